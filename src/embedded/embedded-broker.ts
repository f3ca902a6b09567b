import type { EngineCounters } from '../engine/index.js';
import { messageOf } from '../errors.js';
import { StoreLockedError } from '../log/index.js';
import { AddressInUseError } from '../log/server/index.js';
import type { NodeFile } from '../log/wire/index.js';
import { findNode, folderAddress, readNodeFile, writeNodeFile } from '../transport/log/index.js';
import { BrokerRunningError } from './errors.js';
import { type EmbeddedBrokerOptions, openAll, type Parts } from './node-parts.js';

export interface BrokerCounters extends EngineCounters {
  readonly connections: number;
  /** Connections that were ended because of what came over them. */
  readonly refused: number;
}

/**
 * A node with all that serves it: a store on disk or in memory, the queues on it, one listener for clients of the queues and
 * of the log, further ones for other machines, the processes of processors.
 */
export class EmbeddedBroker {
  readonly #parts: Parts;
  readonly #options: EmbeddedBrokerOptions;
  readonly #file: NodeFile | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(parts: Parts, options: EmbeddedBrokerOptions, file: NodeFile | undefined) {
    this.#parts = parts;
    this.#options = options;
    this.#file = file;
  }

  /**
   * @throws {BrokerRunningError} when another one has the folder, or answers at that place
   * @throws {FolderUnwritableError} @throws {CorruptionError} and what else opening a log throws
   */
  static async listen(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const closings: (() => Promise<void>)[] = [];
    try {
      const { parts, file } = await openAll(options, closings);
      return new EmbeddedBroker(parts, options, file);
    } catch (error) {
      await closeAll(closings);
      if (error instanceof StoreLockedError || error instanceof AddressInUseError) throw await running(error, options);
      throw error;
    }
  }

  /** As clients of the queues write it, where the node has a folder; otherwise as `PipeProc` does. */
  get address(): string {
    const { dir } = this.#options;
    return dir !== undefined && this.#file ? folderAddress(dir) : this.door;
  }

  /** The listener for this machine: `ipc:///path` or `tcp://host:port`. */
  get door(): string {
    return this.#parts.servers[0]?.address ?? '';
  }

  /** The listeners for other machines, in the order they were asked for. */
  get doors(): readonly string[] {
    return this.#parts.servers.slice(1).map(({ address }) => address);
  }

  get counters(): BrokerCounters {
    const { engine, doors, mqtt } = this.#parts;
    const all = [{ connections: doors.size, refused: doors.refused }, ...mqtt.map(({ counters }) => counters)];
    const sum = (of: 'connections' | 'refused'): number => all.reduce((total, one) => total + one[of], 0);
    return { ...engine.counters, connections: sum('connections'), refused: sum('refused') };
  }

  /** Clients of all kinds. */
  get clients(): number {
    const { servers } = this.#parts;
    return servers.reduce((sum, { clients }) => sum + clients, this.counters.connections);
  }

  /** Answers what clients have asked for, sends them away and closes the log. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    const { dir, log } = this.#options;
    if (dir !== undefined && this.#file)
      await leaveFile(dir, this.#file).catch((error: unknown) => {
        log.warn(`its place is not noted for the next one: ${messageOf(error)}`); // on a full disk
      });
    await closeAll(this.#parts.closings);
  }
}

/** What stays says where its clients look, and what they have to say there. Another node's file is left alone. */
async function leaveFile(dir: string, { pid: _gone, ...file }: NodeFile): Promise<void> {
  const now = await readNodeFile(dir);
  if (now?.pid === process.pid) await writeNodeFile(dir, file);
}

/** All of them, also when one fails: what stays open keeps the process. @throws what the first has thrown */
async function closeAll(closings: (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const close of closings.splice(0).reverse()) await close().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

async function running(
  cause: StoreLockedError | AddressInUseError,
  { dir = '' }: EmbeddedBrokerOptions,
): Promise<BrokerRunningError> {
  const found = await findNode(dir);
  const where = found ? `process ${found.pid} in ${dir}` : cause.message;
  return new BrokerRunningError(`a broker is already running here: ${where}`, { cause });
}
