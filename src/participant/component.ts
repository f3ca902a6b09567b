import type { Logger } from '../support/index.js';
import type { QueueOptions } from '../transport/index.js';
import { checkSpec } from './check-spec.js';
import type { PortData } from './port-data.js';

/** What an author says of a port. `description`, `options` and `hidden` are for editors alone, which are told `type` and `schema` too. */
export interface PortSpec {
  /**
   * `string`, `number`, `int`, `boolean`, `object` and `array` are seen to: what does not fit is a dead letter, text is
   * read where it can be (IIPs of an .fbp and many devices know nothing else). Any other word is a hint for editors.
   * @default 'any'
   */
  readonly type?: string;
  readonly description?: string;
  /**
   * JSON Schema, draft-07 or 2020-12: inline, or the path or `file:` URL of one (relative to the working directory). A
   * schema that cannot be used ends the start. What comes in is checked after it was read as `type` has it.
   */
  readonly schema?: string | Readonly<Record<string, unknown>>;
  /**
   * What becomes of data that does not fit the schema. `warn`: told once; `reject`: a message that came in is a dead
   * letter with the validator's words, what would go out makes `send` throw. @default 'warn'
   */
  readonly validate?: 'warn' | 'reject' | 'off';
  readonly options?: Readonly<Record<string, unknown>>;
  readonly hidden?: boolean;
  /** Name of the queue; `#ROLE` in it is replaced by the role. @default `<role>.<PORT>` in upper case */
  readonly queue?: string;
  /** False: the queue is not durable and goes with its last user. @default true */
  readonly persistent?: boolean;
}

/** Besides what is said here, what its queue is declared with: refused with a code where the broker has nothing of the kind. */
export interface InportSpec extends PortSpec, Omit<QueueOptions, 'persistent'> {
  /** Most unsettled messages of this port at a time. @default the component's */
  readonly prefetch?: number;
  /** Lower first: a message of a later port is taken only while no earlier one has any waiting. @default all alike */
  readonly order?: number;
  /** How often a message is tried when process() throws, before it becomes a dead letter. @default once */
  readonly retry?: RetrySpec;
  /**
   * A message that the whole process died of, rather than process() threw, comes again. After so many deaths with it in
   * hand, once it had come again, one of them with nothing else in hand, it becomes a dead letter. @default 3
   */
  readonly crashes?: number;
}

/** Pauses between attempts: `delayMs`, times `factor` each, at most `maxDelayMs`, spread by the share `jitter`. */
export interface RetrySpec {
  /** All told, the first included. */
  readonly attempts: number;
  /** @default 1000 */
  readonly delayMs?: number;
  /** @default 2 */
  readonly factor?: number;
  /** @default 60000 */
  readonly maxDelayMs?: number;
  /** 0 to 1: a pause is made shorter or longer by at most this share of it. @default 0.2 */
  readonly jitter?: number;
}

/** What an author says of an outport besides. */
export interface OutportSpec extends PortSpec {
  /** Where no coordinator says what is connected: what becomes of a message that no queue takes. @default 'drop' */
  readonly unrouted?: 'drop' | 'hold';
}

export type Inports = Readonly<Record<string, InportSpec>>;
export type Outports = Readonly<Record<string, OutportSpec>>;
type NameOf<P> = keyof P & string;

/** The one port that has a message, with its data; the others are there as `undefined`, for destructuring. */
export type Inputs<I extends Inports> = {
  [P in NameOf<I>]: { readonly [Q in P]: PortData<I[Q]> } & { readonly [Q in Exclude<NameOf<I>, P>]?: undefined };
}[NameOf<I>];

/** What every function of a component is given. */
export interface Surroundings {
  readonly role: string;
  /** One line each on stderr, the role in front. */
  readonly log: Logger;
  /** Aborted when there is no more time: for `produce` as soon as it is to end, for `process` when the grace is over. */
  readonly signal: AbortSignal;
}

/** What `produce` is given. */
export interface ProduceContext<O extends Outports, S> extends Surroundings {
  /** What `setup` returned. */
  readonly state: S;
  /** Resolves when the broker has the message, or when nothing is connected and it was dropped. */
  send(port: NameOf<O>, data: unknown, headers?: Readonly<Record<string, string>>): Promise<void>;
  /** Whether the graph connects or exports this outport; false where no coordinator has said. */
  isConnected(port: NameOf<O>): boolean;
}

/** What `process` is given besides the data. */
export interface ProcessContext<O extends Outports, S> extends ProduceContext<O, S> {
  /**
   * Collects: outputs leave with the verdict when process() ends, and not at all when it throws. Beyond 1,000 outputs or
   * 16 MiB they leave early, confirmed; then the promise resolves when they have, and a throw does not call them back.
   */
  send(port: NameOf<O>, data: unknown, headers?: Readonly<Record<string, string>>): Promise<void>;
  /** Those of the message; empty for an IIP and where the transport has none. */
  readonly headers: Readonly<Record<string, string>>;
  /** True when an earlier attempt may have been made. */
  readonly redelivered: boolean;
}

/** What an author writes: a component, from which any number of participants can be run. */
export interface ComponentSpec<I extends Inports, O extends Outports, S> {
  readonly component: string;
  readonly label?: string;
  /** A Font Awesome name. */
  readonly icon?: string;
  readonly description?: string;
  readonly inports?: I;
  readonly outports?: O;
  /** Most unsettled messages at a time, of each inport: 1 keeps their order. @default 1 */
  readonly prefetch?: number;
  /** Most calls of process() at a time, over all inports. 1 with a higher prefetch: in order, but quick. @default prefetch */
  readonly concurrency?: number;
  /** Once, before the first message. What it returns is `state` for the others. A throw ends the participant. */
  setup?(surroundings: Surroundings): S | Promise<S>;
  /** Once for every message and IIP. Returning settles the message, a throw makes it a dead letter. */
  process?(inputs: Inputs<I>, context: ProcessContext<O, S>): unknown;
  /** For sources: begins when the participant is wired, and may run until `signal` aborts. A throw ends the participant. */
  produce?(context: ProduceContext<O, S>): unknown;
  /** Once, after the last message. */
  teardown?(surroundings: Surroundings & { readonly state: S }): unknown;
}

const COMPONENT = Symbol.for('msgflo.component');

/** A component that was checked. Its functions take any port: the types of an author's spec are for the author. */
export interface Component {
  readonly [COMPONENT]: 1;
  readonly component: string;
  readonly label?: string;
  readonly icon?: string;
  readonly inports: Inports;
  readonly outports: Outports;
  readonly prefetch: number;
  readonly concurrency: number;
  setup?(surroundings: Surroundings): unknown;
  process?(inputs: Readonly<Record<string, unknown>>, context: ProcessContext<Outports, unknown>): unknown;
  produce?(context: ProduceContext<Outports, unknown>): unknown;
  teardown?(surroundings: Surroundings & { readonly state: unknown }): unknown;
}

/**
 * Defines a component. Export it as default and run it with `msgflo-participant`, or hand it to `new Participant`.
 * @throws {ComponentError} naming what is wrong with the definition
 */
export function participant<
  const I extends Inports = Readonly<Record<never, InportSpec>>,
  const O extends Outports = Readonly<Record<never, OutportSpec>>,
  S = undefined,
>(spec: ComponentSpec<I, O, S>): Component {
  const checked = checkSpec(spec);
  const prefetch = checked.prefetch ?? 1;
  const widest = Object.values(checked.inports ?? {}).map((port) => port.prefetch ?? prefetch);
  return Object.freeze({
    ...checked,
    [COMPONENT]: 1 as const,
    inports: checked.inports ?? {},
    outports: checked.outports ?? {},
    prefetch,
    concurrency: checked.concurrency ?? Math.max(prefetch, ...widest),
  });
}

/** Whether a value was made by `participant()`, of this copy of the library or another. */
export function isComponent(value: unknown): value is Component {
  return value !== null && typeof value === 'object' && COMPONENT in value;
}
