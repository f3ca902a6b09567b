import { MsgfloError } from '../errors.js';
import { type Outgoing, type Outlet, outgoing } from './outlet.js';
import type { Outport } from './outport.js';
import { type Carried, OutputHeaders } from './trace-context.js';

/** `send` named an outport that the component does not have. */
export class UnknownPortError extends MsgfloError {
  readonly code = 'MSGFLO_UNKNOWN_PORT';
  constructor(port: string, known: readonly string[]) {
    super(`there is no outport '${port}'; there are: ${known.join(', ') || 'none'}`);
  }
}

/** `send` was called after process() had ended: something was not awaited. The message is not sent. */
export class LateSendError extends MsgfloError {
  readonly code = 'MSGFLO_LATE_SEND';
  constructor(port: string) {
    super(`send('${port}') after process() ended: await what it starts`);
  }
}

/** What is collected at most, as messages and bytes, before outputs leave early. */
const MAX_COLLECTED = 1000;
const MAX_COLLECTED_BYTES = 16 * 1024 * 1024;

type Headers = Readonly<Record<string, string>>;

const DONE = Promise.resolve();
const NONE: readonly Outgoing[] = Object.freeze([]);

export function outportOf(outports: ReadonlyMap<string, Outport>, name: string): Outport {
  const outport = outports.get(name);
  if (!outport) throw new UnknownPortError(name, [...outports.keys()]);
  return outport;
}

/** The outputs of one call of process(). */
export class Collector {
  readonly #outports: ReadonlyMap<string, Outport>;
  readonly #outlet: Outlet;
  readonly #received: Headers;
  #span: Carried | undefined;
  #known: OutputHeaders | undefined;
  #collected: Outgoing[] = [];
  #bytes = 0;
  #leaving: Promise<void> = DONE;
  #ended = false;

  /** @param received the headers of the message that the outputs are made from */
  constructor(outports: ReadonlyMap<string, Outport>, outlet: Outlet, received: Headers) {
    this.#outports = outports;
    this.#outlet = outlet;
    this.#received = received;
  }

  /** From now on outputs belong to this span; otherwise to the trace of what was received, or to one that begins here. */
  carry(span: Carried | undefined): void {
    this.#span = span;
  }

  /** Throws at once for what can never be sent, so that it is a dead letter even where `send` is not awaited. */
  send(port: string, data: unknown, headers?: Headers): Promise<void> {
    if (this.#ended) throw new LateSendError(port);
    this.#known ??= new OutputHeaders(this.#received, this.#outlet.traceIds, this.#span);
    const each = outgoing(outportOf(this.#outports, port), data, this.#known, headers);
    // Mostly it is the only one: room for just that, where push() would make some for 17.
    if (this.#collected.length === 0) this.#collected = [each];
    else this.#collected.push(each);
    this.#bytes += each.data.length;
    if (this.#collected.length >= MAX_COLLECTED || this.#bytes >= MAX_COLLECTED_BYTES) this.#leave();
    return this.#leaving;
  }

  /** What process() collected, for its settlement. Afterwards nothing can be sent any more. */
  end(): readonly Outgoing[] | Promise<readonly Outgoing[]> {
    this.#ended = true;
    if (this.#leaving !== DONE) return this.#leaving.then(() => this.#outlet.outputs(this.#collected));
    return this.#collected.length === 0 ? NONE : this.#outlet.outputs(this.#collected);
  }

  /** The same where there is no settlement: all are sent, confirmed. */
  async endNow(): Promise<readonly Outgoing[]> {
    this.#ended = true;
    await this.#leaving;
    await this.#outlet.sendAll(this.#collected);
    return NONE;
  }

  #leave(): void {
    const batch = this.#collected;
    this.#collected = [];
    this.#bytes = 0;
    this.#leaving = this.#leaving.then(() => this.#outlet.sendAll(batch));
    // Whoever ends the collector sees the failure; an author who does not await send() must not crash the process.
    this.#leaving.catch(() => undefined);
  }
}
