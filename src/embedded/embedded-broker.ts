import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Engine, type EngineCounters, type EngineHeaders, QueueEngine } from '../engine/index.js';
import { messageOf, UsageError } from '../errors.js';
import { type LogNode, MemoryStore, openLogNode, openStore, StoreLockedError } from '../log/index.js';
import { AddressInUseError, NodeServer, type NodeSettings, WorkerPool } from '../log/server/index.js';
import { formatAddress, type LogAddress, readAddress, readTlsFiles, type TlsFiles } from '../log/wire/index.js';
import type { QueueName } from '../names.js';
import type { Logger } from '../support/index.js';
import { deadLetterHeaders } from '../transport/index.js';
import { findNode, folderAddress, type NodeFile, readNodeFile, writeNodeFile } from '../transport/log/index.js';
import { ClientDoors } from './client-doors.js';
import { doorIn, makePrivate } from './door-address.js';
import { BrokerRunningError } from './errors.js';
import type { MqttDoor } from './mqtt-door/index.js';
import { ProcessorRoles } from './processor-roles.js';

const FINISH_MS = 5000;
/** Notices that programs which know the log only can read and write as records; kept so long, in ms. */
const NOTICE_TOPICS = { fbp: 600_000 };

export interface EmbeddedBrokerOptions extends NodeSettings {
  readonly log: Logger;
  /** @default one on the log */
  readonly engine?: Engine;
  /** The log can write no more, whatever is done: the broker has to be started again. @default ignored */
  readonly onFailure?: (error: unknown) => void;
  /** Loopback TCP with a token instead of a Unix socket. @default where a Unix socket is not possible */
  readonly tcp?: boolean;
}

export interface BrokerCounters extends EngineCounters {
  readonly connections: number;
  /** Connections that were ended because of what came over them. */
  readonly refused: number;
}

/** What is opened, in this order; closed the other way round. */
interface Parts {
  readonly node: LogNode;
  readonly engine: Engine;
  readonly doors: ClientDoors;
  readonly servers: NodeServer[];
  readonly closings: (() => Promise<void>)[];
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
   * @throws {CorruptionError} and what else opening a log throws
   */
  static async listen(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const closings: (() => Promise<void>)[] = [];
    try {
      return await open(options, closings);
    } catch (error) {
      await closeAll(closings);
      if (error instanceof StoreLockedError || error instanceof AddressInUseError) throw await running(error, options);
      throw error;
    }

    async function open(wanted: EmbeddedBrokerOptions, opened: (() => Promise<void>)[]): Promise<EmbeddedBroker> {
      const { dir, log } = wanted;
      if (dir !== undefined) await makePrivate(dir);
      const last = dir === undefined ? undefined : await readNodeFile(dir);
      const token = last?.token ?? randomBytes(32).toString('base64url');
      const node = await openNode(wanted);
      opened.push(() => node.close());
      const engine = wanted.engine ?? (await openEngine(node, wanted, opened));
      const isPersistent = wanted.location !== undefined;
      const doors = new ClientDoors({
        engine,
        log,
        abilities: { persistent: isPersistent, replay: wanted.history ?? true },
      });
      const parts: Parts = { node, engine, doors, servers: [], closings: opened };
      await listenAtHome(parts, wanted, { last, token });
      for (const { address, token: asked, tls } of wanted.listen ?? [])
        await serve(parts, { address: readAddress(address), token: asked, tls }, log);
      const mqtt = wanted.mqtt && (await listenForMqtt(parts, wanted, wanted.mqtt, { last, token }));
      const pool = new WorkerPool(node, {
        workers: wanted.workers ?? 1,
        concurrency: wanted.workerConcurrency ?? 1,
        restartAfter: wanted.workerRestartAfter ?? 0,
        logger: log,
      });
      opened.push(() => pool.stop());
      const roles = new ProcessorRoles({ node, engine, log });
      opened.push(async () => roles.close());
      const [home] = parts.servers;
      // Who asks for keys is not found by its folder.
      const file =
        dir === undefined || !home || wanted.tls ? undefined : { ...fileOf(home, token), ...(mqtt && { mqtt }) };
      if (file && dir !== undefined) await writeNodeFile(dir, file);
      return new EmbeddedBroker(parts, wanted, file);
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

  get counters(): BrokerCounters {
    const { engine, doors } = this.#parts;
    return { ...engine.counters, connections: doors.size, refused: doors.refused };
  }

  /** Clients of all kinds. */
  get clients(): number {
    return this.#parts.servers.reduce((sum, { clients }) => sum + clients, this.#parts.doors.size);
  }

  /** Answers what clients have asked for, sends them away and closes the log. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    const { dir } = this.#options;
    if (dir !== undefined && this.#file) await leaveFile(dir, this.#file);
    await closeAll(this.#parts.closings);
  }
}

async function openEngine(
  node: LogNode,
  { log, onFailure }: EmbeddedBrokerOptions,
  opened: (() => Promise<void>)[],
): Promise<Engine> {
  const noticeTopics = Object.keys(NOTICE_TOPICS);
  const engine = await QueueEngine.open(node, { expired, noticeTopics, logger: log, ...(onFailure && { onFailure }) });
  opened.push(() => engine.close());
  return engine;
}

async function openNode({ location, history, sync, gc, log }: EmbeddedBrokerOptions): Promise<LogNode> {
  const store =
    location === undefined ? new MemoryStore() : await openStore(location, { logger: log, ...(sync && { sync }) });
  return openLogNode(store, {
    ...(gc && { gc }),
    ...(history !== undefined && { history }),
    keepMs: NOTICE_TOPICS,
    onError: (error, during) => log.warnOnce(during, `${during}: ${String(error)}`),
  });
}

async function listenAtHome(
  parts: Parts,
  options: EmbeddedBrokerOptions,
  { last, token }: { readonly last: NodeFile | undefined; readonly token: string },
): Promise<void> {
  const { dir, address, tls, tcp, log } = options;
  if (address !== undefined) return await serve(parts, { address: readAddress(address), tls }, log);
  if (dir === undefined) return;
  const door = doorIn(dir, last?.log, tcp);
  if (door.kind === 'ipc') return await serve(parts, { address: door }, log);
  if (await findNode(dir)) throw new AddressInUseError(formatAddress(door));
  try {
    await serve(parts, { address: door, token }, log);
  } catch (error) {
    if (!(error instanceof AddressInUseError)) throw error;
    await serve(parts, { address: { ...door, port: 0 }, token }, log); // somebody else has it by now
  }
}

/** On the port of the last time if it can be had: its clients look there. */
async function listenForMqtt(
  { engine, closings }: Parts,
  { log }: EmbeddedBrokerOptions,
  { host, port: asked }: { readonly host: string; readonly port: number },
  { last, token }: { readonly last: NodeFile | undefined; readonly token: string },
): Promise<string> {
  const { MqttDoor } = await import('./mqtt-door/index.js');
  const listenOn = (port: number): Promise<MqttDoor> => MqttDoor.listen(engine, { host, port, token, logger: log });
  const before = last?.mqtt === undefined ? 0 : Number(new URL(last.mqtt).port);
  const listening = asked === 0 ? listenOn(before).catch(() => listenOn(0)) : listenOn(asked);
  const door = await listening.catch((error: unknown) => {
    throw new UsageError(`MQTT clients cannot come to ${host}:${asked}: ${messageOf(error)}`, { cause: error });
  });
  closings.push(() => door.stop());
  return door.address;
}

interface Door {
  readonly address: LogAddress;
  readonly token?: string | undefined;
  readonly tls?: TlsFiles | undefined;
}

async function serve(
  { node, doors, servers, closings }: Parts,
  { address, token, tls }: Door,
  log: Logger,
): Promise<void> {
  const server = await NodeServer.listen(node, {
    address,
    token,
    tls: tls && readTlsFiles(tls, 'server'),
    logger: log,
    onOther: (socket: Socket) => doors.accept(socket, token),
  });
  servers.push(server);
  closings.push(async () => {
    await Promise.all([server.stop(), doors.finish(AbortSignal.timeout(FINISH_MS))]);
  });
}

function fileOf(home: NodeServer, token: string): NodeFile {
  return { log: readAddress(home.address), token, pid: process.pid };
}

/** What stays says where its clients look, and what they have to say there. Another node's file is left alone. */
async function leaveFile(dir: string, { pid: _gone, ...file }: NodeFile): Promise<void> {
  const now = await readNodeFile(dir);
  if (now?.pid === process.pid) await writeNodeFile(dir, file);
}

async function closeAll(closings: (() => Promise<void>)[]): Promise<void> {
  for (const close of closings.splice(0).reverse()) await close();
}

async function running(
  cause: StoreLockedError | AddressInUseError,
  { dir = '' }: EmbeddedBrokerOptions,
): Promise<BrokerRunningError> {
  const found = await findNode(dir);
  const where = found ? `process ${found.pid} in ${dir}` : cause.message;
  return new BrokerRunningError(`a broker is already running here: ${where}`, { cause });
}

function expired(inqueue: QueueName, headers: EngineHeaders): EngineHeaders {
  return deadLetterHeaders(inqueue, headers, { deadLetter: 'expired' });
}
