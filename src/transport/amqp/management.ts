import { messageOf, UsageError } from '../../errors.js';
import { asQueueName, type QueueName } from '../../names.js';
import { type Logger, timeLimit } from '../../support/index.js';
import {
  type Binding,
  BrokerUnreachableError,
  deadLetterQueue,
  NotConnectedError,
  type QueueDepth,
  withoutPassword,
} from '../index.js';
import { DISCOVERY } from './discovery-inbox.js';
import { retainedQueue } from './notices.js';

const PROBE_LIMIT_MS = 2000;
const CALL_LIMIT_MS = 10_000;
/** Where the interface listens unless it was told otherwise. */
const PORTS = { plain: 15_672, tls: 15_671 };
/** What RabbitMQ names itself: exchanges of its own, and queues of those who only look on. */
const SERVER_NAMED = 'amq.';
/** The exchange of a round-robin binding, between its source and the queues. */
const BETWEEN = 'out-';
const DEPTH_COLUMNS =
  'name,messages_unacknowledged,message_stats.publish_details.rate,message_stats.deliver_get_details.rate';

export interface ManagementOptions {
  /** The broker's own address: host, virtual host and, unless `where` has others, user and password. */
  readonly address: URL;
  /** `auto`, or the interface's address. */
  readonly where: string;
  readonly log: Logger;
}

/** What the management interface adds to what AMQP itself tells of a queue; some seconds old. */
export type QueueFigures = Pick<QueueDepth, 'unacked' | 'inPerSecond' | 'outPerSecond'>;

/** RabbitMQ's management interface, over HTTP: what AMQP itself does not tell. Never shows a password. */
export class Management {
  readonly #base: string;
  readonly #authorization: string;
  readonly #host: string;
  readonly #isAuto: boolean;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  #isThere = false;

  /** @throws {UsageError} for an address that is none of HTTP */
  constructor({ address, where, log }: ManagementOptions) {
    this.#isAuto = where === 'auto';
    this.#log = log;
    const url = this.#isAuto ? besides(address) : readAddress(where);
    const user = decodeURIComponent(url.username || address.username || 'guest');
    const password = decodeURIComponent(url.username ? url.password : address.password || 'guest');
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    this.#base = `${url.origin}${url.pathname.replace(/\/$/, '')}/api`;
    this.#host = encodeURIComponent(decodeURIComponent(address.pathname.slice(1)) || '/');
  }

  /** Whether it answered when it was looked for. */
  get isThere(): boolean {
    return this.#isThere;
  }

  /** Sees whether it answers and lets this user look at the virtual host; 2 s at most. Never rejects. */
  async find(signal?: AbortSignal): Promise<void> {
    try {
      await this.#get(`exchanges/${this.#host}/amq.fanout?columns=name`, PROBE_LIMIT_MS, signal);
      this.#isThere = true;
    } catch (error) {
      const text = `without RabbitMQ's management interface: ${messageOf(error)}`;
      if (this.#isAuto) this.#log.debug(text);
      else this.#log.warn(`${text}; figures and bindings of others are missing`);
    }
  }

  /** Figures by queue, of all queues of the virtual host. @throws {BrokerUnreachableError} (retryable) */
  async figures(): Promise<ReadonlyMap<string, QueueFigures>> {
    const rows = listOf(await this.#get(`queues/${this.#host}?columns=${DEPTH_COLUMNS}`, CALL_LIMIT_MS));
    return new Map(rows.map((row) => [textOf(row['name']), figuresOf(row)]));
  }

  /**
   * All edges between fanout exchanges and queues, whoever made them. Left out are the binding of a queue to the exchange
   * of its own name, notices, and those who only look on (queues that the broker named). @throws {BrokerUnreachableError}
   */
  async bindings(): Promise<readonly Binding[]> {
    const [exchanges, bindings] = await Promise.all([
      this.#get(`exchanges/${this.#host}?columns=name,type`, CALL_LIMIT_MS),
      this.#get(`bindings/${this.#host}?columns=source,destination,destination_type`, CALL_LIMIT_MS),
    ]);
    const types = new Map(listOf(exchanges).map(({ name, type }) => [textOf(name), textOf(type)]));
    return edgesOf(types, listOf(bindings).map(toRow));
  }

  /** Those whose `dead-` queue has messages. @throws {BrokerUnreachableError} (retryable) */
  async deadLetterInqueues(): Promise<readonly QueueName[]> {
    const rows = listOf(await this.#get(`queues/${this.#host}?columns=name,messages`, CALL_LIMIT_MS));
    const held = new Map(rows.map(({ name, messages }) => [textOf(name), numberOf(messages)]));
    const names = [...held.keys()].map(asQueueName);
    return names.filter((name) => (held.get(deadLetterQueue(name)) ?? 0) > 0);
  }

  /** Breaks off what is under way. */
  close(): void {
    this.#closing.abort(new Error('closed'));
  }

  async #get(path: string, limitMs: number, signal?: AbortSignal): Promise<unknown> {
    const outer = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    const limit = timeLimit(limitMs, outer);
    try {
      const headers = { authorization: this.#authorization };
      const response = await fetch(`${this.#base}/${path}`, { headers, signal: limit.signal, redirect: 'error' });
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`HTTP ${response.status} ${response.statusText}`);
      }
      return await response.json();
    } catch (error) {
      if (this.#closing.signal.aborted) throw new NotConnectedError('the call', { cause: error });
      throw new BrokerUnreachableError(`${this.#base} does not answer: ${whyOf(error)}`, { cause: error });
    } finally {
      limit.end();
    }
  }
}

interface Row {
  readonly source: string;
  readonly destination: string;
  readonly isQueue: boolean;
}

function edgesOf(types: ReadonlyMap<string, string>, rows: readonly Row[]): readonly Binding[] {
  /** The exchanges of round-robin bindings, with the source of each. */
  const between = new Map<string, QueueName>();
  for (const { source, destination, isQueue } of rows) {
    const isBetween = !isQueue && destination === `${BETWEEN}${source}` && types.get(destination) === 'direct';
    if (isBetween) between.set(destination, asQueueName(source));
  }
  const edges = new Map<string, Binding>();
  for (const { source, destination, isQueue } of rows) {
    if (!isQueue || destination.startsWith(SERVER_NAMED) || destination === source) continue;
    const target = asQueueName(destination);
    const roundrobin = between.get(source);
    if (roundrobin !== undefined)
      edges.set(`r ${source} ${target}`, { kind: 'roundrobin', source: roundrobin, target });
    else if (types.get(source) === 'fanout' && !isNotice(source, destination) && !source.startsWith(SERVER_NAMED))
      edges.set(`p ${source} ${target}`, { kind: 'pubsub', source: asQueueName(source), target });
  }
  return [...edges.values()];
}

function isNotice(source: string, destination: string): boolean {
  return source === DISCOVERY || source.startsWith(`${DISCOVERY}.`) || destination === retainedQueue(source);
}

function toRow({ source, destination, destination_type: type }: Fields): Row {
  return { source: textOf(source), destination: textOf(destination), isQueue: type === 'queue' };
}

/** Statistics are absent until a queue has had its first message, and where the broker keeps none. */
function figuresOf({ messages_unacknowledged: unacked, message_stats: stats }: Fields): QueueFigures {
  const { publish_details: published, deliver_get_details: delivered } = fieldsOf(stats);
  return {
    ...(typeof unacked === 'number' ? { unacked } : {}),
    inPerSecond: numberOf(fieldsOf(published)['rate']),
    outPerSecond: numberOf(fieldsOf(delivered)['rate']),
  };
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields => Object(value);
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** At the broker's host. Who speaks TLS to the broker does not say the password in clear text here. */
function besides({ protocol, hostname }: URL): URL {
  const isTls = protocol === 'amqps:';
  return new URL(`${isTls ? 'https' : 'http'}://${hostname}:${isTls ? PORTS.tls : PORTS.plain}`);
}

function readAddress(where: string): URL {
  const shown = withoutPassword(where);
  if (!URL.canParse(where)) throw new UsageError(`the management address '${shown}' is not a URL (nor 'auto')`);
  const url = new URL(where);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new UsageError(`the management address '${shown}' begins with http:// or https://`);
  return url;
}

/** Of a fetch that failed, what the socket said: Node's own words are "fetch failed". */
function whyOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return messageOf(cause instanceof AggregateError ? cause.errors[0] : (cause ?? error));
}
