import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Engine, type EngineHeaders, QueueEngine } from '../engine/index.js';
import { messageOf, UsageError } from '../errors.js';
import { type LogNode, MemoryStore, openLogNode, openStore, readHeaders, writeHeaders } from '../log/index.js';
import { AddressInUseError, NodeAnswers, NodeServer, type NodeSettings, WorkerPool } from '../log/server/index.js';
import {
  formatAddress,
  type LogAddress,
  type NodeFile,
  readAddress,
  readTlsFiles,
  type TlsFiles,
} from '../log/wire/index.js';
import type { QueueName } from '../names.js';
import type { Logger } from '../support/index.js';
import { deadLetterHeaders } from '../transport/index.js';
import { findNode, readNodeFile, writeNodeFile } from '../transport/log/index.js';
import { ClientDoors } from './client-doors.js';
import { doorIn, makeFolder, makePrivate } from './door-address.js';
import type { MqttDoor } from './mqtt-door/index.js';
import { ProcessorRoles } from './processor-roles.js';

const FINISH_MS = 5000;
/** Notices that programs which know the log only can read and write as records; kept so long, in ms. */
const NOTICE_TOPICS = { fbp: 600_000 };
/** What waits on disk takes no memory: the disk is what bounds it. */
const ON_DISK = { maxMessages: 10_000_000, maxBytes: Number.POSITIVE_INFINITY };

export interface EmbeddedBrokerOptions extends NodeSettings {
  readonly log: Logger;
  /** @default one on the log */
  readonly engine?: Engine;
  /** The log can write no more, whatever is done: the broker has to be started again. @default ignored */
  readonly onFailure?: (error: unknown) => void;
  /** Loopback TCP with a token instead of a Unix socket. @default where a Unix socket is not possible */
  readonly tcp?: boolean;
}

/** What is opened, in this order; closed the other way round. */
export interface Parts {
  readonly node: LogNode;
  readonly engine: Engine;
  readonly doors: ClientDoors;
  /** For programs that use the log, at every listener. */
  readonly answers: NodeAnswers;
  readonly servers: NodeServer[];
  /** One at most. */
  readonly mqtt: MqttDoor[];
  readonly closings: (() => Promise<void>)[];
}

/** @param closings gets what closes each part as soon as it is open */
export async function openAll(
  options: EmbeddedBrokerOptions,
  closings: (() => Promise<void>)[],
): Promise<{ readonly parts: Parts; readonly file: NodeFile | undefined }> {
  const { dir, log } = options;
  if (dir !== undefined) await makePrivate(dir);
  const last = dir === undefined ? undefined : await readNodeFile(dir);
  const token = last?.token ?? randomBytes(32).toString('base64url');
  const node = await openNode(options);
  closings.push(() => node.close());
  const engine = options.engine ?? (await openEngine(node, options, closings));
  const isPersistent = options.location !== undefined;
  const doors = new ClientDoors({
    engine,
    log,
    abilities: { persistent: isPersistent, replay: options.history ?? true },
  });
  const answers = new NodeAnswers(node);
  closings.push(async () => answers.close());
  const parts: Parts = { node, engine, doors, answers, servers: [], mqtt: [], closings };
  await listenAtHome(parts, options, { last, token });
  for (const { address, token: asked, tls } of options.listen ?? [])
    await serveFar(parts, { address: readAddress(address), token: asked, tls }, log);
  const mqtt = options.mqtt && (await listenForMqtt(parts, options, options.mqtt, { last, token }));
  const pool = new WorkerPool(node, {
    workers: options.workers ?? 1,
    concurrency: options.workerConcurrency ?? 1,
    restartAfter: options.workerRestartAfter ?? 0,
    logger: log,
  });
  closings.push(() => pool.stop());
  const roles = new ProcessorRoles({ node, engine, log });
  closings.push(async () => roles.close());
  const [home] = parts.servers;
  // Who asks for keys is not found by its folder.
  const file =
    dir === undefined || !home || options.tls ? undefined : { ...fileOf(home, token), ...(mqtt && { mqtt }) };
  if (file && dir !== undefined) await writeNodeFile(dir, file);
  return { parts, file };
}

async function openEngine(
  node: LogNode,
  { log, location, onFailure }: EmbeddedBrokerOptions,
  opened: (() => Promise<void>)[],
): Promise<Engine> {
  const noticeTopics = Object.keys(NOTICE_TOPICS);
  const engine = await QueueEngine.open(node, {
    ...(location !== undefined && ON_DISK),
    expired,
    noticeTopics,
    logger: log,
    ...(onFailure && { onFailure }),
  });
  opened.push(() => engine.close());
  return engine;
}

async function openNode({ location, history, sync, gc, log }: EmbeddedBrokerOptions): Promise<LogNode> {
  if (location !== undefined) await makeFolder(location);
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
  { engine, mqtt, closings }: Parts,
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
  mqtt.push(door);
  closings.push(() => door.stop());
  return door.address;
}

interface Door {
  readonly address: LogAddress;
  readonly token?: string | undefined;
  readonly tls?: TlsFiles | undefined;
}

async function serve(
  { node, doors, answers, servers, closings }: Parts,
  { address, token, tls }: Door,
  log: Logger,
): Promise<void> {
  const server = await NodeServer.listen(node, {
    address,
    token,
    tls: tls && readTlsFiles(tls, 'server'),
    answers,
    logger: log,
    onOther: (socket: Socket) => doors.accept(socket, token),
  });
  servers.push(server);
  closings.push(async () => {
    await Promise.all([server.stop(), doors.finish(AbortSignal.timeout(FINISH_MS))]);
  });
}

/** @throws {UsageError} where it cannot listen */
async function serveFar(parts: Parts, door: Door, log: Logger): Promise<void> {
  try {
    await serve(parts, door, log);
    const address = parts.servers.at(-1)?.address ?? '';
    log.info(`clients find the log on ${address.replace(/^tcp:/, door.tls ? 'logs:' : 'log:')} too`);
  } catch (error) {
    throw new UsageError(`cannot listen on ${formatAddress(door.address)}: ${messageOf(error)}`, { cause: error });
  }
}

function fileOf(home: NodeServer, token: string): NodeFile {
  return { log: readAddress(home.address), token, pid: process.pid };
}

function expired(inqueue: QueueName, headers: EngineHeaders): EngineHeaders {
  return writeHeaders(deadLetterHeaders(inqueue, readHeaders(headers).headers, { deadLetter: 'expired' }));
}
