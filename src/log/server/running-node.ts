import type { Logger } from '../../support/index.js';
import { openLogNode } from '../node/local-node.js';
import type { LogNode } from '../node/log-node.js';
import { MemoryStore } from '../node/memory-store.js';
import { openStore } from '../store/open-store.js';
import type { LogStore } from '../store/store.js';
import { readAddress, readTlsFiles } from '../wire/index.js';
import { NodeServer } from './node-server.js';
import type { NodeSettings } from './node-settings.js';
import { WorkerPool } from './worker-pool.js';

/** A store, the node on it, its door and its workers: what a node's process is made of. */
export class RunningNode {
  readonly #node: LogNode;
  readonly #server: NodeServer;
  readonly #pool: WorkerPool;

  private constructor(node: LogNode, server: NodeServer, pool: WorkerPool) {
    this.#node = node;
    this.#server = server;
    this.#pool = pool;
  }

  /** @throws {StoreLockedError} and what opening a store throws; {AddressInUseError} when somebody listens there */
  static async start(settings: NodeSettings, logger: Logger): Promise<RunningNode> {
    const address = readAddress(settings.address);
    const tls = settings.tls && readTlsFiles(settings.tls, 'server');
    const store: LogStore =
      settings.location === undefined
        ? new MemoryStore()
        : await openStore(settings.location, { logger, ...(settings.sync && { sync: settings.sync }) });
    const node = openLogNode(store, {
      ...(settings.gc && { gc: settings.gc }),
      onError: (error, during) => logger.warnOnce(during, `${during}: ${String(error)}`),
    });
    try {
      const server = await NodeServer.listen(node, { address, tls, logger });
      const pool = new WorkerPool(node, {
        workers: settings.workers,
        concurrency: settings.workerConcurrency,
        restartAfter: settings.workerRestartAfter,
        logger,
      });
      return new RunningNode(node, server, pool);
    } catch (error) {
      await node.close();
      throw error;
    }
  }

  /** As clients write it. */
  get address(): string {
    return this.#server.address;
  }

  /** Finishes what clients have asked for, then everything else. */
  async stop(): Promise<void> {
    await this.#pool.stop();
    await this.#server.stop();
    await this.#node.close();
  }
}
