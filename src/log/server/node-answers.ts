import type { Claim } from '../node/log-claims.js';
import { LogError } from '../node/log-error.js';
import type { LogNode } from '../node/log-node.js';
import type { ProcessorDefinition } from '../node/log-processors.js';
import type { ProcOptions, ProcState, ReclaimStrategy } from '../node/log-procs.js';
import { isTopicName } from '../node/names.js';
import { procsOf } from '../node/processors.js';
import type { NewRecord } from '../store/store.js';
import type { ProcData, Request, Requests, SystemProcData, WireRecord } from '../wire/index.js';
import type { Answer, Answerer } from './connection.js';
import { encodeRecords } from './encode-records.js';
import { HeldClaims } from './held-claims.js';
import { LiveProcs } from './live-procs.js';

/** A client that wants to wait longer asks again. */
const MAX_WAIT_MS = 60_000;
/** One is worked on, the others are being acknowledged. */
const PROCESSOR_CLAIMS = 16;
const CLOSING = Buffer.from('}');
const NOTHING: Answer = { data: null };
const STRATEGIES: readonly string[] = ['disable', 'continue', 'deadletter'] satisfies ReclaimStrategy[];

type Attempt = () => Promise<Claim | undefined>;

interface Wait {
  readonly names: readonly string[];
  readonly waitMs: number;
  readonly gone: AbortSignal;
}

/** A claim that somebody waits for. */
interface Question {
  readonly names: readonly string[];
  readonly stop: () => void;
  readonly asking: Promise<unknown>;
}

/** Carries out what clients ask of a node. */
export class NodeAnswers implements Answerer {
  readonly #node: LogNode;
  readonly #held: HeldClaims;
  readonly #live: LiveProcs;
  readonly #questions = new Set<Question>();

  constructor(node: LogNode) {
    this.#node = node;
    this.#held = new HeldClaims(node);
    this.#live = new LiveProcs(node);
  }

  lost(gone: AbortSignal): void {
    this.#held.lost(gone);
    this.#live.lost(gone);
  }

  /** No timer runs on. Idempotent. */
  close(): void {
    this.#live.close();
  }

  congestion(): Promise<void> | undefined {
    return this.#node.congested ? this.#node.drained() : undefined;
  }

  async answer(request: Request, gone: AbortSignal): Promise<Answer> {
    const node = this.#node;
    switch (request.type) {
      case 'ping':
        return NOTHING;
      case 'commit':
        return { data: await node.commit(newRecords(request.data.records)) };
      case 'get_range':
        checkTopic(request.data.topic);
        return { pages: node.pages(request.data.topic, request.data) };
      case 'get_length':
        checkTopic(request.data.topic);
        return { data: await node.length(request.data.topic) };
      case 'proc':
        return await this.#proc(request.data, gone);
      case 'available_proc':
        return await this.#availableProc(request.data, gone);
      case 'leave':
        this.#held.leave(gone);
        this.#live.leave(gone);
        return NOTHING;
      case 'ack': {
        const { name, claim } = request.data;
        const token = this.#held.meant(name, claim, gone);
        const range = await node.ack(name, claim);
        this.#held.ended(name, token);
        return { data: range };
      }
      case 'ack_commit': {
        const { name, claim, records } = request.data;
        const token = this.#held.meant(name, claim, gone);
        const { ackedRange, ids } = await node.ackCommit(name, newRecords(records), claim);
        this.#held.ended(name, token);
        return { data: { ackedLogId: ackedRange, ids } };
      }
      case 'reclaim_proc': {
        const { name, claim } = request.data;
        const token = this.#held.meant(name, claim, gone);
        const range = await node.reclaim(name, claim);
        this.#held.ended(name, token);
        return { data: range };
      }
      case 'inspect_proc':
        return { data: node.inspectProc(request.data.name) };
      case 'destroy_proc':
        return { data: await this.#destroy(request.data.name) };
      case 'disable_proc':
        return { data: await node.disableProc(request.data.name) };
      case 'resume_proc':
        return { data: await node.resumeProc(request.data.name) };
      case 'wait_for_procs': {
        const { names } = request.data;
        await node.waitForProcs(names.length > 0 ? names : this.#attended(), gone);
        return NOTHING;
      }
      case 'system_proc':
        return { data: await node.systemProc(processorOf(request.data)) };
    }
  }

  /** All procs but those that nobody asks any more. */
  #attended(): readonly string[] {
    return this.#node.listProcs().flatMap(({ name }) => (this.#live.isAbandoned(name) ? [] : [name]));
  }

  async #proc({ proc, waitMs }: Requests['proc'], gone: AbortSignal): Promise<Answer> {
    const { topic, options } = procOf(proc);
    this.#live.asked(options.name, gone);
    return await this.#claimed(() => this.#node.proc(topic, options), { names: [options.name], waitMs, gone });
  }

  async #availableProc({ procs, waitMs }: Requests['available_proc'], gone: AbortSignal): Promise<Answer> {
    const list = procs.map(procOf);
    const names = list.map(({ options }) => options.name);
    return await this.#claimed(() => this.#node.availableProc(list), { names, waitMs, gone });
  }

  async #claimed(attempt: Attempt, wait: Wait): Promise<Answer> {
    const claim = wait.waitMs > 0 ? await this.#patiently(attempt, wait) : await attempt();
    if (!claim) return NOTHING;
    if (wait.gone.aborted) this.#node.release(claim.proc, claim.token);
    else this.#held.add(claim, wait.gone);
    const head = `{"name":${JSON.stringify(claim.proc)},"claim":${JSON.stringify(claim.token)},"records":`;
    return { pieces: [Buffer.from(head), encodeRecords(claim.records), CLOSING] };
  }

  /** Where there is nothing, waits for work and tries again, until the time is over or nobody wants it any more. */
  async #patiently(attempt: Attempt, { names, waitMs, gone }: Wait): Promise<Claim | undefined> {
    const stopping = new AbortController();
    const stop = (): void => stopping.abort();
    const timer = setTimeout(stop, Math.min(waitMs, MAX_WAIT_MS));
    gone.addEventListener('abort', stop);
    const asking = this.#ask(attempt, names, stopping.signal);
    const question: Question = { names, stop, asking };
    this.#questions.add(question);
    try {
      return await asking;
    } finally {
      this.#questions.delete(question);
      gone.removeEventListener('abort', stop);
      clearTimeout(timer);
    }
  }

  async #ask(attempt: Attempt, names: readonly string[], stopped: AbortSignal): Promise<Claim | undefined> {
    let claim = await attempt();
    while (!claim && !stopped.aborted) {
      try {
        await this.#node.nextWork(names, stopped);
      } catch (error) {
        if (stopped.aborted) return undefined;
        throw error;
      }
      claim = await attempt();
    }
    return claim;
  }

  /**
   * Questions for it are answered first: later they would make it anew with the next record. So would workers, which is why
   * the topic of a processor's proc is taken from the processor, and the last one takes the processor with it.
   */
  async #destroy(name: string): Promise<ProcState> {
    const questions = [...this.#questions].filter(({ names }) => names.includes(name));
    for (const { stop } of questions) stop();
    await Promise.allSettled(questions.map(({ asking }) => asking));
    const last = this.#node.inspectProc(name);
    const processor = this.#node.processors().find((one) => procsOf(one).some(([own]) => own === name));
    if (!processor) {
      await this.#node.destroyProc(name);
      return last;
    }
    const rest = procsOf(processor).flatMap(([own, topic]) => (own === name ? [] : [topic]));
    if (rest.length === 0) await this.#node.removeProcessor(processor.name);
    else {
      await this.#node.systemProc({ ...processor, from: rest, isList: true });
      await this.#node.destroyProc(name);
    }
    return last;
  }
}

function procOf(data: ProcData): { readonly topic: string; readonly options: ProcOptions } {
  const { topic, name, offset } = data;
  checkTopic(topic);
  return { topic, options: { name, offset, ...optionsOf(data) } };
}

function optionsOf(data: Omit<ProcData, 'topic'>): Omit<ProcOptions, 'name' | 'offset'> {
  const { count, maxReclaims, reclaimTimeout, onMaxReclaimsReached, deadletter, maxClaims } = data;
  return {
    ...(count !== undefined && { count }),
    ...(maxReclaims !== undefined && { maxReclaims }),
    ...(reclaimTimeout !== undefined && { reclaimTimeout }),
    ...(isStrategy(onMaxReclaimsReached) && { onMaxReclaimsReached }),
    ...(deadletter !== undefined && { deadletter }),
    ...(maxClaims !== undefined && { maxClaims }),
  };
}

function isStrategy(text: string | undefined): text is ReclaimStrategy {
  return text !== undefined && STRATEGIES.includes(text);
}

function processorOf(data: SystemProcData): ProcessorDefinition {
  const { name, offset, from, to, isList, processor } = data;
  if (processor === '') throw new LogError('no_valid_processor_provided');
  for (const topic of [...from, ...to]) checkTopic(topic);
  return { name, from, to, isList, processor, options: { maxClaims: PROCESSOR_CLAIMS, offset, ...optionsOf(data) } };
}

function newRecords(records: readonly WireRecord[]): NewRecord[] {
  return records.map(({ topic, body }) => {
    checkTopic(topic);
    if (typeof body !== 'object' || body === null) throw new LogError('invalid_log_format');
    return { topic, body: Buffer.from(JSON.stringify(body)) };
  });
}

function checkTopic(topic: string): void {
  if (!isTopicName(topic)) throw new LogError('invalid_topic_format');
}
