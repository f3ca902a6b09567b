import { setTimeout as delay } from 'node:timers/promises';
import { UsageError } from '../errors.js';
import type { QueueName } from '../names.js';
import type { Broker, BrowseRange, KeptMessage } from '../transport/index.js';
import type { CliContext } from './command.js';
import { Pace } from './dead-rate.js';
import { parseAge } from './duration.js';
import { counted, sizeOf, timeOf } from './log-text.js';
import { TerminalLine } from './terminal-line.js';
import { jsonLine, printable } from './terminal-text.js';

export interface ReplayOptions {
  readonly queue: QueueName;
  /** Where it is sent to. */
  readonly into: QueueName;
  readonly range: BrowseRange;
  /** Between two messages, in ms; 0 for as fast as possible. */
  readonly everyMs: number;
  readonly isDryRun: boolean;
  readonly json: boolean;
}

/** So many are on their way at once when they go as fast as possible. */
const AT_ONCE = 100;
/** Who interrupts waits so long for what is on its way, in ms. */
const END_WITHIN_MS = 2000;

/**
 * Reads an id (`1795351795990-7`), ms since 1970, ISO 8601, or how long ago (`90m`).
 * @returns the bound of a `BrowseRange` @throws {UsageError} naming the flag
 */
export function parsePlace(flag: `--${string}`, nowMs: () => number = Date.now): (text: string) => string {
  return (text) => {
    if (/^\d{1,15}(-\d{1,15})?$/.test(text)) return text;
    if (/^[\d.]+(ms|s|m|h|d)$/.test(text)) return String(Math.max(0, Math.floor(nowMs() - parseAge(flag, text))));
    const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
    if (ms >= 0) return String(ms);
    throw new UsageError(
      `${flag} is an id (1795351795990-7), a time (2026-11-22T15:00Z or ms since 1970) or how long ago (90m), not '${text}'`,
    );
  };
}

/** Sends again what is kept of a queue, oldest first, bytes and headers as they were. @throws {UsageError} where nothing is kept */
export async function replay(broker: Broker, options: ReplayOptions, context: CliContext): Promise<void> {
  const run = new Replay(broker, options, context);
  try {
    await run.run();
  } finally {
    run.end();
  }
}

class Replay {
  readonly #broker: Broker;
  readonly #options: ReplayOptions;
  readonly #context: CliContext;
  readonly #line = new TerminalLine(process.stderr);
  readonly #pace: Pace;
  #sent = 0;
  /** Id of the oldest message that is not sent for certain. */
  #next: string | undefined;
  /** Behind it, those that are sent, or may be. */
  #ahead = 0;

  constructor(broker: Broker, options: ReplayOptions, context: CliContext) {
    this.#broker = broker;
    this.#options = options;
    this.#context = context;
    this.#pace = new Pace(options.everyMs);
  }

  async run(): Promise<void> {
    const { queue, range, isDryRun, json } = this.#options;
    const { signal, print } = this.#context;
    // Looked through first: what is sent to the same queue meanwhile, also by this, does not belong to it.
    const found = await this.#survey();
    const [first, last] = [found.first, found.last];
    if (!first || !last || isDryRun) {
      if (!json) print(printable(plan(found, this.#options)));
      return;
    }
    this.#next = first.id;
    try {
      for await (const page of this.#browse({ ...range, from: first.id, to: last.id }))
        for (const messages of this.#portions(page)) {
          await this.#pace.next(signal);
          signal.throwIfAborted();
          await this.#send(messages);
          this.#line.show(() => `replayed ${this.#sent} of ${found.count}, at ${timeOf(messages.at(-1)?.timestampMs)}`);
        }
      this.#next = undefined;
    } finally {
      this.#line.end();
      if (!json) print(printable(`replayed ${this.#sent} of ${counted(found.count, 'message')} of ${queue}`));
      this.#tellNext(last.id);
    }
  }

  end(): void {
    this.#line.end();
  }

  async #survey(): Promise<Found> {
    const { range, isDryRun } = this.#options;
    const found: Found = { count: 0, bytes: 0, first: undefined, last: undefined };
    for await (const page of this.#browse(range)) {
      this.#context.signal.throwIfAborted();
      found.first ??= page[0];
      found.last = page.at(-1) ?? found.last;
      found.count += page.length;
      for (const message of page) {
        found.bytes += message.body.length;
        if (isDryRun) this.#tell('would-replay', message);
      }
    }
    return found;
  }

  #browse(range: BrowseRange): AsyncGenerator<readonly KeptMessage[], void, undefined> {
    const { queue } = this.#options;
    if (!this.#broker.capabilities.replay || !this.#broker.browse)
      throw new UsageError('this broker keeps nothing of what was taken: only a log can be replayed');
    return this.#broker.browse(queue, range);
  }

  *#portions(page: readonly KeptMessage[]): Generator<readonly KeptMessage[], void, undefined> {
    const size = this.#options.everyMs > 0 ? 1 : AT_ONCE;
    for (let at = 0; at < page.length; at += size) yield page.slice(at, at + size);
  }

  /** Resolves when all are confirmed. @throws what the first one that was not sent says */
  async #send(messages: readonly KeptMessage[]): Promise<void> {
    const { into } = this.#options;
    const isConfirmed = messages.map(() => false);
    const sends = messages.map(async ({ body, headers }, at) => {
      await this.#broker.send('inqueue', into, { data: body, headers }, { mandatory: true });
      isConfirmed[at] = true;
    });
    const all = Promise.allSettled(sends);
    await Promise.race([all, this.#givenUp(all)]);
    for (const [at, message] of messages.entries()) {
      if (!isConfirmed[at]) continue;
      this.#sent += 1;
      this.#tell('replayed', message);
    }
    const first = isConfirmed.indexOf(false);
    const failed = messages[first];
    this.#next = failed?.id ?? idAfter(messages.at(-1));
    if (!failed) return;
    this.#ahead = isConfirmed.slice(first).filter((is) => is).length;
    if (this.#context.signal.aborted)
      this.#context.log.warn(`${failed.id} may have been sent: the broker has not confirmed it`);
    this.#context.signal.throwIfAborted();
    await sends[first];
  }

  /** Where another run has to begin, and to end: what this one has sent may lie in the same queue. */
  #tellNext(last: string): void {
    const { queue, json } = this.#options;
    const { print, log } = this.#context;
    if (this.#next === undefined) return;
    if (json) print(jsonLine({ action: 'stopped', queue, from: this.#next, to: last, sentBehind: this.#ahead }));
    else print(`to go on: --from ${this.#next} --to ${last}`);
    if (this.#ahead > 0) log.warn(`of the next ${AT_ONCE}, ${this.#ahead} were sent already`);
  }

  /** One line for a message, for programs. */
  #tell(action: 'replayed' | 'would-replay', { id, timestampMs, body }: KeptMessage): void {
    const { queue, into, json } = this.#options;
    if (json) this.#context.print(jsonLine({ action, queue, into, id, at: timestampMs, bytes: body.length }));
  }

  /** Resolves some time after the signal aborts: a full queue takes nothing, perhaps for ever. */
  async #givenUp(all: Promise<unknown>): Promise<void> {
    const { signal } = this.#context;
    const done = new AbortController();
    void all.then(() => done.abort());
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true, signal: done.signal });
    });
    await delay(END_WITHIN_MS, undefined, { signal: done.signal }).catch(() => undefined);
  }
}

/** What there is to replay. */
interface Found {
  count: number;
  bytes: number;
  first: KeptMessage | undefined;
  last: KeptMessage | undefined;
}

function plan({ count, bytes, first, last }: Found, { queue, into }: ReplayOptions): string {
  if (!first || !last) return `nothing is kept of ${queue} in that range`;
  const range = `${first.id} (${timeOf(first.timestampMs)}) to ${last.id} (${timeOf(last.timestampMs)})`;
  return `would replay ${counted(count, 'message')} of ${queue} into ${into}, ${sizeOf(bytes)}, from ${range}`;
}

/** Of the next message of the queue, whatever its time. */
function idAfter(message: KeptMessage | undefined): string | undefined {
  const [, ms, sequence] = /^(\d+)-(\d+)$/.exec(message?.id ?? '') ?? [];
  return ms === undefined ? undefined : `${ms}-${Number(sequence) + 1}`;
}
