import type { ProcOptions, ProcState } from '../node/log-procs.js';
import type { RangeOptions } from '../node/log-records.js';
import {
  addressOf,
  checkNamespaceFolder,
  checkTlsAddress,
  formatAddress,
  readAddress,
  readTlsFiles,
} from '../wire/index.js';
import { LogCallError } from './errors.js';
import { TopicFollower } from './live-proc.js';
import { NodeLine } from './node-line.js';
import { type NodePlace, placeInFolder } from './node-place.js';
import { NodeProcess } from './node-process.js';
import type {
  AckCommitted,
  AvailableProc,
  ConnectOptions,
  Ids,
  LiveProc,
  LiveProcOptions,
  NewLog,
  PipeProcClient,
  Rec,
  SpawnOptions,
  SystemProcOptions,
} from './pipe-proc.js';
import { processorText } from './processor-text.js';
import {
  readAckCommit,
  readClaim,
  readId,
  readIds,
  readNumber,
  readRecords,
  readState,
  readStates,
} from './read-data.js';

const CONNECT_MS = 1000;
const LOCATION = '.msgflo/log';

/** A client, before it is connected. `new` is not needed. */
export function PipeProc(): PipeProcClient {
  return new Client();
}

class Client implements PipeProcClient {
  #isActive = false;
  #line: NodeLine | undefined;
  #process: NodeProcess | undefined;

  async spawn(options: SpawnOptions = {}): Promise<'spawned_and_connected' | 'node_already_active'> {
    if (this.#isActive) return 'node_already_active';
    const address = addressOf(options);
    const { tls, memory, location = LOCATION, sync, gc } = options;
    if (tls) checkTlsAddress(address);
    if (tls && !(tls.server && tls.client))
      throw new LogCallError('tls options require a server and client configuration');
    const keys = tls ? readTlsFiles(tls.client, 'client') : undefined;
    if (tls) readTlsFiles(tls.server, 'server');
    this.#isActive = true;
    try {
      this.#process = await NodeProcess.start({
        address: formatAddress(address),
        location: memory ? undefined : location,
        sync,
        tls: tls ? tls.server : undefined,
        gc: gc ? gcSettings(gc === true ? {} : gc) : undefined,
        workers: atLeast(0, options.workers, 1),
        workerConcurrency: atLeast(1, options.workerConcurrency, 1),
        workerRestartAfter: atLeast(0, options.workerRestartAfter, 0),
      });
      const listening = readAddress(this.#process.address);
      this.#line = await NodeLine.open({
        locate: () => ({ address: listening }),
        tls: keys,
        timeoutMs: CONNECT_MS,
      });
    } catch (error) {
      await this.#process?.stop();
      this.#process = undefined;
      this.#isActive = false;
      throw error;
    }
    return 'spawned_and_connected';
  }

  async connect(options: ConnectOptions = {}): Promise<'connected' | 'already_connected'> {
    if (this.#isActive) return 'already_connected';
    const { tls, timeout = CONNECT_MS } = options;
    const locate = placeOf(options);
    const keys = tls ? readTlsFiles(tls, 'client') : undefined;
    this.#isActive = true;
    try {
      this.#line = await NodeLine.open({ locate, tls: keys, timeoutMs: timeout });
    } catch (error) {
      this.#isActive = false;
      throw error;
    }
    return 'connected';
  }

  async shutdown(): Promise<'closed' | 'disconnected'> {
    const [line, child] = [this.#line, this.#process];
    if (!line) throw new LogCallError('no_active_node');
    this.#line = undefined;
    this.#process = undefined;
    await line.leave();
    await child?.stop();
    this.#isActive = false;
    return child ? 'closed' : 'disconnected';
  }

  async commit<R extends NewLog | readonly NewLog[]>(records: R): Promise<Ids<R>> {
    const ids = await this.#open().call('commit', { records: listOf(records) });
    return idsOf(records, readIds(ids));
  }

  async range(topic: string, options: RangeOptions = {}): Promise<Rec[]> {
    return await this.#range(topic, options, false);
  }

  async revrange(topic: string, options: RangeOptions = {}): Promise<Rec[]> {
    return await this.#range(topic, options, true);
  }

  async length(topic: string): Promise<number> {
    return readNumber(await this.#asked(() => this.#open().call('get_length', { topic })));
  }

  async proc(topic: string, options: ProcOptions): Promise<null | Rec | Rec[]> {
    const claim = readClaim(await this.#open().call('proc', { proc: { topic, ...options }, waitMs: 0 }));
    return claim?.log ?? null;
  }

  async availableProc(
    list: readonly AvailableProc[],
  ): Promise<undefined | { readonly procName: string; readonly log: Rec | Rec[] }> {
    const claim = readClaim(await this.#open().call('available_proc', { procs: list, waitMs: 0 }));
    return claim ? { procName: claim.name, log: claim.log } : undefined;
  }

  async systemProc(options: SystemProcOptions): Promise<ProcState | ProcState[]> {
    const { from, to = [], processor, ...proc } = options;
    const isList = Array.isArray(from);
    const data = { ...proc, from: [from].flat(), to: [to].flat(), isList, processor: processorText(processor) };
    const states = readStates(await this.#open().call('system_proc', data));
    const [only] = states;
    return only && !isList ? only : states;
  }

  async ack(name: string, claim?: string): Promise<string> {
    return readId(await this.#open().call('ack', { name, claim }));
  }

  async ackCommit<R extends NewLog | readonly NewLog[]>(
    name: string,
    records: R,
    claim?: string,
  ): Promise<AckCommitted<R>> {
    const data = await this.#open().call('ack_commit', { name, claim, records: listOf(records) });
    const { ackedLogId, ids } = readAckCommit(data);
    return { ackedLogId, id: idsOf(records, ids) };
  }

  async reclaim(name: string, claim?: string): Promise<string> {
    return readId(await this.#open().call('reclaim_proc', { name, claim }));
  }

  async reclaimProc(name: string, claim?: string): Promise<string> {
    return await this.reclaim(name, claim);
  }

  async inspectProc(name: string): Promise<ProcState> {
    return readState(await this.#asked(() => this.#open().call('inspect_proc', { name })));
  }

  async destroyProc(name: string): Promise<ProcState> {
    return readState(await this.#open().call('destroy_proc', { name }));
  }

  async disableProc(name: string): Promise<ProcState> {
    return readState(await this.#open().call('disable_proc', { name }));
  }

  async resumeProc(name: string): Promise<ProcState> {
    return readState(await this.#open().call('resume_proc', { name }));
  }

  liveProc(options: LiveProcOptions): LiveProc {
    return new TopicFollower(this, () => this.#open(), options);
  }

  async waitForProcs(names: string | readonly string[] = []): Promise<void> {
    await this.#asked(() => this.#open().await('wait_for_procs', { names: [names].flat() }));
  }

  async #range(topic: string, { start, end, limit, exclusive }: RangeOptions, reverse: boolean): Promise<Rec[]> {
    const data = {
      topic,
      start: start ?? '',
      end: end ?? '',
      limit: limit ?? 0,
      exclusive: exclusive ?? false,
      reverse,
    };
    return readRecords(await this.#asked(() => this.#open().call('get_range', data)));
  }

  /** For what changes nothing: asked again when the connection was lost meanwhile. */
  async #asked(question: () => Promise<unknown>): Promise<unknown> {
    for (;;) {
      try {
        return await question();
      } catch (error) {
        if (!(error instanceof LogCallError && error.code === 'connection_lost')) throw error;
      }
    }
  }

  #open(): NodeLine {
    if (!this.#line) throw new LogCallError('no_active_node');
    return this.#line;
  }
}

/** @throws {AddressError} */
function placeOf(options: ConnectOptions): () => NodePlace {
  const { folder, token, tls } = options;
  if (folder !== undefined) return () => placeInFolder(folder);
  const address = addressOf(options);
  checkNamespaceFolder(address);
  if (tls) checkTlsAddress(address);
  return () => ({ address, token });
}

function listOf(records: NewLog | readonly NewLog[]): readonly NewLog[] {
  return isList(records) ? records : [records];
}

function isList(records: NewLog | readonly NewLog[]): records is readonly NewLog[] {
  return Array.isArray(records);
}

/** What the type says of one and of many. */
function idsOf<R>(records: R, ids: string[]): Ids<R> {
  return (Array.isArray(records) ? ids : readId(ids[0])) as Ids<R>;
}

function gcSettings(gc: { readonly minPruneTime?: number; readonly interval?: number }): {
  readonly minPruneTimeMs: number;
  readonly intervalMs: number;
} {
  return { minPruneTimeMs: gc.minPruneTime ?? 30_000, intervalMs: gc.interval ?? 30_000 };
}

function atLeast(least: number, value: number | undefined, otherwise: number): number {
  return value !== undefined && value >= least ? value : otherwise;
}
