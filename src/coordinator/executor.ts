import { type Wiring, wiringNotice } from '../discovery/index.js';
import { MsgfloError, messageOf } from '../errors.js';
import type { QueueName, Role } from '../names.js';
import type { ProcessSpec } from '../process/index.js';
import { Backoff, type Logger } from '../support/index.js';
import type { Binding, Broker } from '../transport/index.js';
import { outportsHash } from './departing.js';
import type { Launcher } from './launcher.js';
import { BEGUN_AFTER, BEGUN_BEFORE, PHASES } from './plan.js';
import type { RecordsFile } from './records-file.js';
import { bindingKey, type PublishedWiring } from './state.js';
import { describeStep, type QueueMove, type Step, stepKey } from './steps.js';

/** What the executor works with. */
export interface ExecutorParts {
  readonly broker: Broker;
  readonly launcher?: Launcher | undefined;
  readonly records: RecordsFile;
  readonly log: Logger;
  readonly nowMs: () => number;
  tap(outqueue: QueueName): Promise<void>;
  untap(outqueue: QueueName): Promise<void>;
  /** Begins it; it goes on beside the passes. */
  move(move: QueueMove): void;
  /** Called when a step that went on beside the passes has ended, one way or the other. */
  ended(): void;
  /** Called before a wiring or an IIP goes out. */
  telling(step: Extract<Step, { readonly do: 'wire' | 'send-iip' }>): void;
  /** A step has failed in a way that people should know; called once for each reason. */
  failed(step: Step, reason: string): void;
}

interface Failure {
  readonly backoff: Backoff;
  readonly firstAtMs: number;
  dueAtMs: number;
  step: Step;
}

/** Sources stop waiting for a binding that has failed for this long, in ms. */
const HOPELESS_AFTER_MS = 10_000;
const MAX_TOLD = 10_000;

/**
 * Carries out the steps of a plan and keeps what it has done as far as others cannot tell. A step that fails is left
 * out until its back-off is over, without holding up the others; the reason is said once.
 */
export class Executor {
  readonly bound = new Set<string>();
  readonly suspect = new Set<string>();
  readonly published = new Map<Role, PublishedWiring>();
  readonly started = new Map<string, ProcessSpec>();
  /** Of every wiring published: its hash, and that of its outports. The oldest go beyond 10,000. */
  readonly toldOutports = new Map<string, string>();
  /** Keys of processes to be started anew with the program that there is now. */
  readonly outdated = new Set<string>();
  readonly #failures = new Map<string, Failure>();
  readonly #parts: ExecutorParts;
  readonly #said = new Set<string>();
  /** Steps that go on beside the passes, by the key of their process. */
  readonly #beside = new Map<string, Promise<void>>();
  #isClosing = false;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
  }

  /** Keys of bindings that nobody should wait for any longer. */
  get failing(): ReadonlySet<string> {
    const oldMs = this.#parts.nowMs() - HOPELESS_AFTER_MS;
    const hopeless = [...this.#failures.values()].filter(
      ({ step, firstAtMs }) => step.do === 'bind' && firstAtMs < oldMs,
    );
    return new Set(hopeless.map(({ step }) => (step.do === 'bind' ? bindingKey(step.binding) : '')));
  }

  /** When the next failed step is due again; `Infinity`: none has failed. What is tried again just now tells when it has ended. */
  get nextTryAtMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { step, dueAtMs } of this.#failures.values()) {
      if (!this.#beside.has(processOf(step))) nextMs = Math.min(nextMs, dueAtMs);
    }
    return nextMs;
  }

  /** When `failing` grows beyond what it was at `seenMs`, unless a binding is made before; `Infinity`: never. */
  nextFailingAtMs(seenMs: number): number {
    const oldMs = seenMs - HOPELESS_AFTER_MS;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { step, firstAtMs } of this.#failures.values()) {
      if (step.do === 'bind' && firstAtMs >= oldMs) nextMs = Math.min(nextMs, firstAtMs + HOPELESS_AFTER_MS);
    }
    return nextMs;
  }

  /** Carries out what is due. @returns how many steps succeeded */
  async carryOut(steps: readonly Step[]): Promise<number> {
    this.#forgetFailuresOtherThan(steps);
    const due = steps.filter((step) => (this.#failures.get(stepKey(step))?.dueAtMs ?? 0) <= this.#parts.nowMs());
    await this.#recordIntents(due);
    let done = 0;
    for (const step of due) if (BEGUN_BEFORE.includes(step.do)) this.#begin(step);
    for (const phase of PHASES) {
      const outcomes = await Promise.all(due.filter((step) => phase.includes(step.do)).map((step) => this.#try(step)));
      done += outcomes.filter(Boolean).length;
    }
    for (const step of due) if (BEGUN_AFTER.includes(step.do)) this.#begin(step);
    await this.#parts.records.saved();
    return done;
  }

  /** Resolves when nothing goes on beside the passes; that some of it fails is not said any more. */
  async close(): Promise<void> {
    this.#isClosing = true;
    while (this.#beside.size > 0) await Promise.all(this.#beside.values());
  }

  /** What is recorded is taken to be bound, and bound again to make sure: for a coordinator that takes over from another. */
  assumeBound(): void {
    for (const key of this.#parts.records.bindings.keys()) {
      this.bound.add(key);
      this.suspect.add(key);
    }
  }

  /** Something changed at this queue's owner: bindings to and from it are made again at once. */
  rebind(queues: ReadonlySet<string>): void {
    for (const { binding } of this.#parts.records.bindings.values()) {
      if (!queues.has(binding.source) && !queues.has(binding.target)) continue;
      this.suspect.add(bindingKey(binding));
    }
    for (const failure of this.#failures.values()) {
      const { step } = failure;
      if (step.do !== 'bind') continue;
      if (queues.has(step.binding.source) || queues.has(step.binding.target)) failure.dueAtMs = 0;
    }
  }

  /** Those of the processes that run are to be started anew. */
  outdate(specs: readonly ProcessSpec[]): void {
    for (const { key } of specs) if (this.started.has(key)) this.outdated.add(key);
  }

  /** A crash between doing and recording must not leave a binding that nobody will ever take away. */
  async #recordIntents(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.do === 'bind') this.#parts.records.recordBinding(step.binding, step.edge);
      if (step.do === 'wire') this.#parts.records.recordWiring(step.wiring.role);
    }
    await this.#parts.records.saved();
  }

  /** One step at a time for each process; what is still wanted afterwards is planned again. */
  #begin(step: Step): void {
    const key = processOf(step);
    if (this.#beside.has(key)) return;
    const work = this.#try(step).then(() => {
      this.#beside.delete(key);
      this.#parts.ended();
    });
    this.#beside.set(key, work);
  }

  async #try(step: Step): Promise<boolean> {
    try {
      await this.#do(step);
      this.#failures.delete(stepKey(step));
      this.#parts.log.debug(`done: ${describeStep(step)}`);
      return true;
    } catch (error) {
      this.#failed(step, error);
      return false;
    }
  }

  async #do(step: Step): Promise<void> {
    switch (step.do) {
      case 'start':
        await this.#parts.launcher?.start(step.spec);
        this.started.set(step.spec.key, step.spec);
        return;
      case 'restart': {
        const { spec } = step;
        await this.#parts.launcher?.stop(spec.key);
        // What changes from here on is not in what is started now.
        this.outdated.delete(spec.key);
        this.started.delete(spec.key);
        await this.#parts.launcher?.start(spec);
        this.started.set(spec.key, spec);
        return;
      }
      case 'stop':
        await this.#parts.launcher?.stop(step.key);
        this.started.delete(step.key);
        return;
      case 'tap':
        return this.#parts.tap(step.outqueue);
      case 'untap':
        return this.#parts.untap(step.outqueue);
      case 'move':
        return this.#parts.move(step.move);
      case 'unwire':
        await this.#parts.broker.notify({ name: wiringNotice(step.role), body: Buffer.alloc(0), retain: true });
        this.published.delete(step.role);
        this.#parts.records.forgetWiring(step.role);
        return;
      case 'bind':
        return this.#bind(step.binding);
      case 'unbind':
        await this.#parts.broker.unbind(step.binding);
        this.bound.delete(bindingKey(step.binding));
        this.#parts.records.forgetBinding(step.binding);
        return;
      case 'wire': {
        const { wiring } = step;
        const atMs = this.#parts.nowMs();
        this.#parts.telling(step);
        this.#tell(wiring);
        await this.#parts.broker.notify({
          name: wiringNotice(wiring.role),
          body: Buffer.from(JSON.stringify(wiring)),
          retain: true,
        });
        this.published.set(wiring.role, { hash: wiring.hash, atMs });
        return;
      }
      case 'send-iip': {
        const { iip } = step;
        this.#parts.telling(step);
        // Some announce themselves before they take messages: it is sent again until somebody does.
        await this.#parts.broker.send('inqueue', iip.queue, { data: iip.data }, { mandatory: true });
        this.#parts.records.recordIip(iip.participant, iip.key);
        return;
      }
    }
  }

  /** Known before it is published: the answer may be faster than the broker's confirmation. */
  #tell({ hash, outports }: Wiring): void {
    this.toldOutports.delete(hash);
    this.toldOutports.set(hash, outportsHash(outports));
    for (const oldest of this.toldOutports.keys()) {
      if (this.toldOutports.size <= MAX_TOLD) break;
      this.toldOutports.delete(oldest);
    }
  }

  async #bind(binding: Binding): Promise<void> {
    const key = bindingKey(binding);
    this.suspect.delete(key);
    try {
      await this.#parts.broker.bind(binding);
      this.bound.add(key);
    } catch (error) {
      this.bound.delete(key);
      throw error;
    }
  }

  #failed(step: Step, error: unknown): void {
    const key = stepKey(step);
    const nowMs = this.#parts.nowMs();
    const failure = this.#failures.get(key) ?? {
      backoff: new Backoff(200, 10_000),
      firstAtMs: nowMs,
      dueAtMs: 0,
      step,
    };
    failure.step = step;
    failure.dueAtMs = nowMs + failure.backoff.nextMs();
    this.#failures.set(key, failure);
    const isExpected = error instanceof MsgfloError && error.retryable && failure.backoff.tries < 5;
    const line = `could not ${describeStep(step)}: ${messageOf(error)}; it is tried again`;
    if (isExpected || this.#isClosing) {
      this.#parts.log.debug(line);
      return;
    }
    const reason = `${key} ${messageOf(error)}`;
    this.#parts.log.warnOnce(reason, line);
    if (this.#said.has(reason) || this.#said.size >= MAX_TOLD) return;
    this.#said.add(reason);
    this.#parts.failed(step, line);
  }

  #forgetFailuresOtherThan(steps: readonly Step[]): void {
    const keys = new Set(steps.map(stepKey));
    for (const key of this.#failures.keys()) if (!keys.has(key)) this.#failures.delete(key);
  }
}

/** The key of the process that a step is about; empty where it is about none. */
function processOf(step: Step): string {
  if (step.do === 'stop') return step.key;
  return step.do === 'start' || step.do === 'restart' ? step.spec.key : '';
}
