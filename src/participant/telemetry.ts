import type * as Api from '@opentelemetry/api';
import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';
import { type Delivery, HEADER } from '../transport/index.js';
import { type Carried, readTraceparent } from './trace-context.js';

/** What of an error of theirs is told. */
const MAX_REASON_CHARS = 500;

type Headers = Readonly<Record<string, string>>;

/** Whose work is traced. */
export interface TracedParticipant {
  readonly role: string;
  readonly component: string;
  /** Scheme of the broker's address, where it is known. */
  readonly scheme?: string | undefined;
  readonly log: Logger;
}

interface TracedPort {
  readonly name: string;
  readonly queue: string;
}

/** Where programs register what collects their spans, for all copies of the interface. */
const GLOBAL = Symbol.for('opentelemetry.js.api.1');
/** Names of the conventions for messaging, where they have one. */
const SYSTEMS: Readonly<Record<string, string>> = { amqp: 'rabbitmq', amqps: 'rabbitmq', mqtt: 'mqtt', mqtts: 'mqtt' };

/**
 * What makes spans, where this process has registered a provider of OpenTelemetry; undefined otherwise, and nothing of
 * OpenTelemetry is loaded then. A provider that is registered later is not seen.
 */
export async function findTelemetry(who: TracedParticipant): Promise<Telemetry | undefined> {
  const registered: unknown = Reflect.get(globalThis, GLOBAL);
  if (!hasProvider(registered)) return undefined;
  const api = await import('@opentelemetry/api');
  try {
    if (api.trace.getTracerProvider() === registered.trace) return new Telemetry(api, who);
  } catch (error) {
    who.log.warn(`no spans are made: OpenTelemetry failed: ${messageOf(error).slice(0, MAX_REASON_CHARS)}`);
    return undefined;
  }
  who.log.warn(
    `no spans are made: the registered OpenTelemetry (${registered.version}) is older than the one used here`,
  );
  return undefined;
}

function hasProvider(value: unknown): value is { readonly trace: unknown; readonly version?: unknown } {
  return value !== null && typeof value === 'object' && 'trace' in value && Boolean(value.trace);
}

/** Makes the spans of one participant: one for the waiting of a message, one for each attempt to work on it. */
export class Telemetry {
  readonly #api: typeof Api;
  readonly #tracer: Api.Tracer;
  readonly #who: TracedParticipant;
  readonly #system: string;
  /** What the spans of the work on a message hang on. */
  readonly #parents = new WeakMap<Delivery, Api.Context>();

  constructor(api: typeof Api, who: TracedParticipant) {
    this.#api = api;
    this.#tracer = api.trace.getTracer('msgflo');
    this.#who = who;
    this.#system = SYSTEMS[who.scheme ?? ''] ?? 'msgflo';
  }

  /** A message was taken: makes the span of its waiting, since it was created, where that is known. Never throws. */
  taken(port: TracedPort, delivery: Delivery, takenMs: number): void {
    this.#safely(() => this.#taken(port, delivery, takenMs));
  }

  #taken(port: TracedPort, delivery: Delivery, takenMs: number): void {
    const { ROOT_CONTEXT, SpanKind, trace } = this.#api;
    const { headers } = delivery;
    const parent = this.#parentOf(headers);
    const context = parent ?? ROOT_CONTEXT;
    this.#parents.set(delivery, context);
    const createdMs = Number(headers[HEADER.createdAt]);
    if (!(createdMs > 0)) return;
    const startMs = Math.min(createdMs, takenMs);
    const span = this.#begin(port, headers, 'wait', { context, kind: SpanKind.CONSUMER, startMs });
    span.end(takenMs);
    if (!parent) this.#parents.set(delivery, trace.setSpan(context, span));
  }

  /** Runs `work` within a span of its own, which it is given to carry on, and ends it with what comes of it. */
  async process<T>(
    port: TracedPort,
    delivery: Delivery,
    work: (carried: Carried | undefined) => T,
  ): Promise<Awaited<T>> {
    const { ROOT_CONTEXT, SpanKind, trace } = this.#api;
    const context = this.#parents.get(delivery) ?? ROOT_CONTEXT;
    const span = this.#safely(() =>
      this.#begin(port, delivery.headers, 'process', { context, kind: SpanKind.CONSUMER }),
    );
    if (span && context === ROOT_CONTEXT) this.#parents.set(delivery, trace.setSpan(context, span));
    return this.#within(span, context, work);
  }

  /** The header of a dead letter by which the trace is found that began with this message; none where the message has its own. */
  traceOf(delivery: Delivery): Headers | undefined {
    if (readTraceparent(delivery.headers) !== undefined) return undefined;
    const context = this.#parents.get(delivery);
    const carried = context && this.#safely(() => this.#carriedBy(this.#api.trace.getSpan(context)));
    return carried && { [HEADER.traceparent]: carried.traceparent };
  }

  /** The same for a message that has no other behind it: its span is that of sending, below the author's own if there is one. */
  async send<T>(port: TracedPort, work: (carried: Carried | undefined) => T): Promise<Awaited<T>> {
    const { ROOT_CONTEXT, SpanKind } = this.#api;
    const context = this.#safely(() => this.#api.context.active()) ?? ROOT_CONTEXT;
    const span = this.#safely(() => this.#begin(port, {}, 'send', { context, kind: SpanKind.PRODUCER }));
    return this.#within(span, context, work);
  }

  async #within<T>(
    span: Api.Span | undefined,
    context: Api.Context,
    work: (carried: Carried | undefined) => T,
  ): Promise<Awaited<T>> {
    const { context: contexts, trace, SpanStatusCode } = this.#api;
    if (!span) return await work(undefined);
    const carried = this.#safely(() => this.#carriedBy(span));
    let hasBegun = false;
    const begin = (): T => {
      hasBegun = true;
      return work(carried);
    };
    try {
      const inside = this.#safely(() => trace.setSpan(context, span)) ?? context;
      return await contexts.with(inside, begin);
    } catch (error) {
      if (!hasBegun) return await work(carried);
      this.#safely(() => {
        span.recordException(error instanceof Error ? error : messageOf(error));
        span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
      });
      throw error;
    } finally {
      this.#safely(() => span.end());
    }
  }

  /** What collects spans is anybody's: where it fails there is no span, and the message is worked on as without. */
  #safely<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      const reason = messageOf(error).slice(0, MAX_REASON_CHARS);
      this.#who.log.warnOnce('telemetry', `a span could not be made, OpenTelemetry failed: ${reason}`);
      return undefined;
    }
  }

  #begin(
    { name, queue }: TracedPort,
    headers: Headers,
    operation: 'wait' | 'process' | 'send',
    { context, kind, startMs }: { context: Api.Context; kind: Api.SpanKind; startMs?: number },
  ): Api.Span {
    const { role, component } = this.#who;
    const id = headers[HEADER.messageId];
    const attributes = {
      'messaging.system': this.#system,
      'messaging.operation.name': operation,
      'messaging.operation.type': operation === 'wait' ? 'receive' : operation,
      'messaging.destination.name': queue,
      ...(id !== undefined && { 'messaging.message.id': id }),
      'msgflo.role': role,
      'msgflo.port': name,
      'msgflo.component': component,
    };
    const start = startMs === undefined ? {} : { startTime: startMs };
    return this.#tracer.startSpan(`${role}.${name} ${operation}`, { kind, attributes, ...start }, context);
  }

  #parentOf(headers: Headers): Api.Context | undefined {
    const traceparent = readTraceparent(headers);
    if (traceparent === undefined) return undefined;
    const { ROOT_CONTEXT, createTraceState, trace } = this.#api;
    const tracestate = headers[HEADER.tracestate];
    return trace.setSpanContext(ROOT_CONTEXT, {
      traceId: traceparent.slice(3, 35),
      spanId: traceparent.slice(36, 52),
      traceFlags: Number.parseInt(traceparent.slice(53), 16),
      isRemote: true,
      ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
    });
  }

  #carriedBy(span: Api.Span | undefined): Carried | undefined {
    const context = span?.spanContext();
    if (!context || !this.#api.isSpanContextValid(context)) return undefined;
    const { traceId, spanId, traceFlags, traceState } = context;
    const flags = traceFlags.toString(16).padStart(2, '0');
    return { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: traceState?.serialize() };
  }
}
