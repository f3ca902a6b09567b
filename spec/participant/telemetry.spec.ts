import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { asQueueName as queue } from '../../src/names.js';
import { participant } from '../../src/participant/index.js';
import { findTelemetry } from '../../src/participant/telemetry.js';
import type { Delivery } from '../../src/transport/index.js';
import { keepingLogger, Network, until } from './network.js';

const GIVEN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const NOT_SAMPLED = `${GIVEN.slice(0, -2)}00`;
const MADE = /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/;

/** What programs get with the SDK for Node. */
class LocalContext implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => fn.apply(thisArg, args));
  }
  bind<T>(_context: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

const source = participant({ component: 'Source', outports: { out: {} }, produce: ({ send }) => send('out', 'one') });
const worker = participant({
  component: 'Worker',
  inports: { in: {} },
  outports: { out: {} },
  async process({ in: data }, { send }) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    trace.getTracer('author').startSpan("the author's own").end();
    if (data === 'bad') throw new RangeError('bad data');
    await send('out', data);
  },
});

describe('spans of a participant', () => {
  let network: Network;
  let exporter: InMemorySpanExporter;
  beforeEach(async () => {
    network = await Network.open();
    exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    trace.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new LocalContext());
  });
  afterEach(async () => {
    await network.close();
    trace.disable();
    context.disable();
  });
  const named = (name: string): ReadableSpan => {
    const found = exporter.getFinishedSpans().filter((span) => span.name === name);
    expect(found, name).to.have.length(1);
    return found[0] as ReadableSpan;
  };
  const parentOf = (name: string): string | undefined => named(name).parentSpanContext?.spanId;
  const idOf = (name: string): string => named(name).spanContext().spanId;
  async function worked(count = 1): Promise<Delivery[]> {
    const got = await network.collect('w.OUT');
    await network.start(worker, 'w');
    await network.wire('w', { out: 'ready' });
    return until(() => got.length === count).then(() => got);
  }

  it('form one trace from a source over two hops, each below the one that sent', async () => {
    const got = await network.collect('b.OUT');
    for (const role of ['a', 'b']) await network.start(worker, role);
    await network.start(source, 's');
    for (const [from, to] of [
      ['s', 'a'],
      ['a', 'b'],
    ]) {
      await network.hand.bind({ kind: 'pubsub', source: queue(`${from}.OUT`), target: queue(`${to}.IN`) });
    }
    for (const role of ['a', 'b', 's']) await network.wire(role, { out: 'ready' });
    await until(() => got.length === 1 && exporter.getFinishedSpans().length === 7);
    const traces = new Set(exporter.getFinishedSpans().map((span) => span.spanContext().traceId));
    expect(traces.size).to.equal(1);
    expect(named('s.out send').parentSpanContext).to.equal(undefined);
    for (const name of ['a.in wait', 'a.in process']) expect(parentOf(name), name).to.equal(idOf('s.out send'));
    for (const name of ['b.in wait', 'b.in process']) expect(parentOf(name), name).to.equal(idOf('a.in process'));
    const { traceId, spanId } = named('b.in process').spanContext();
    expect(got[0]?.headers.traceparent).to.equal(`00-${traceId}-${spanId}-01`);
  });

  it("carry on the trace that came; the author's own spans are below the work", async () => {
    const got = worked();
    await until(() => network.last('w') !== undefined);
    await network.send('w.IN', 1, { traceparent: GIVEN, tracestate: 'a=1' });
    const [output] = await got;
    expect(parentOf('w.in wait')).to.equal('00f067aa0ba902b7');
    expect(parentOf('w.in process')).to.equal('00f067aa0ba902b7');
    expect(parentOf("the author's own")).to.equal(idOf('w.in process'));
    expect(output?.headers.traceparent).to.equal(`00-4bf92f3577b34da6a3ce929d0e0e4736-${idOf('w.in process')}-01`);
    expect(output?.headers.tracestate).to.equal('a=1');
  });

  it('say what they are of: waiting from creation until taken, then working', async () => {
    const got = worked();
    await until(() => network.last('w') !== undefined);
    const createdMs = Date.now() - 5000;
    await network.send('w.IN', 1, { 'message-id': 'm-1', 'created-at': String(createdMs) });
    await got;
    const [wait, work] = [named('w.in wait'), named('w.in process')];
    expect(wait.kind).to.equal(SpanKind.CONSUMER);
    expect(work.kind).to.equal(SpanKind.CONSUMER);
    expect(work.attributes).to.deep.equal({
      'messaging.system': 'msgflo',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'w.IN',
      'messaging.message.id': 'm-1',
      'msgflo.role': 'w',
      'msgflo.port': 'in',
      'msgflo.component': 'Worker',
    });
    expect(wait.startTime[0] * 1000 + wait.startTime[1] / 1e6).to.be.closeTo(createdMs, 1);
    expect(wait.duration[0]).to.be.within(5, 9);
    expect(parentOf('w.in process'), 'without a trace the waiting begins one').to.equal(wait.spanContext().spanId);
  });

  it('of all attempts are one trace, which the dead letter names where the message had none', async () => {
    const dead = await network.collect('dead-f.IN');
    const failing = participant({
      component: 'Failing',
      inports: { in: { retry: { attempts: 3, delayMs: 1 } } },
      process() {
        throw new Error('no');
      },
    });
    await network.start(failing, 'f');
    await network.wire('f', {}, [['in', 'an IIP']]);
    await until(() => dead.length === 1);
    const attempts = exporter.getFinishedSpans();
    expect(attempts).to.have.length(3);
    const { traceId, spanId } = attempts[0]?.spanContext() ?? expect.fail('no span');
    expect(attempts.map((span) => span.spanContext().traceId)).to.deep.equal([traceId, traceId, traceId]);
    expect(dead[0]?.headers.traceparent).to.equal(`00-${traceId}-${spanId}-01`);
    await network.send('f.IN', 1, { traceparent: GIVEN });
    await until(() => dead.length === 2);
    expect(dead[1]?.headers.traceparent).to.equal(GIVEN);
  });

  it('tell of an error, with the exception', async () => {
    const dead = await network.collect('dead-w.IN');
    await network.start(worker, 'w');
    await network.wire('w', { out: 'ready' });
    await network.send('w.IN', 'bad');
    await until(() => dead.length === 1);
    const { status, events } = named('w.in process');
    expect(status).to.deep.equal({ code: SpanStatusCode.ERROR, message: 'bad data' });
    expect(events[0]?.attributes).to.include({ 'exception.type': 'RangeError', 'exception.message': 'bad data' });
  });

  it('begin a trace for an IIP, which waits nowhere', async () => {
    const got = await network.collect('w.OUT');
    await network.start(worker, 'w');
    await network.wire('w', { out: 'ready' }, [['in', 1]]);
    await until(() => got.length === 1);
    expect(named('w.in process').parentSpanContext).to.equal(undefined);
    expect(exporter.getFinishedSpans().map(({ name }) => name)).not.to.include('w.in wait');
  });

  it('are not recorded of a trace that nobody samples, which goes on all the same', async () => {
    const got = worked();
    await until(() => network.last('w') !== undefined);
    await network.send('w.IN', 1, { traceparent: NOT_SAMPLED });
    const [output] = await got;
    expect(exporter.getFinishedSpans()).to.have.length(0);
    expect(output?.headers.traceparent).to.match(MADE);
    expect(output?.headers.traceparent?.slice(0, 35)).to.equal(NOT_SAMPLED.slice(0, 35));
  });

  it('are none where the registered OpenTelemetry is too old for ours, which is told', async () => {
    const key = Symbol.for('opentelemetry.js.api.1');
    const registered: unknown = Reflect.get(globalThis, key);
    const log = keepingLogger();
    Reflect.set(globalThis, key, { version: '1.0.0', trace: {} });
    try {
      expect(await findTelemetry({ role: 'w', component: 'Worker', log })).to.equal(undefined);
    } finally {
      Reflect.set(globalThis, key, registered);
    }
    expect(log.lines[0]).to.contain('(1.0.0) is older');
  });
});

describe('with a provider of spans that fails', () => {
  let network: Network;
  beforeEach(async () => {
    network = await Network.open();
  });
  afterEach(async () => {
    await network.close();
    trace.disable();
  });
  const fail = (): never => {
    throw new Error('the exporter is on fire');
  };
  const span = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 });
  const broken = Object.assign(Object.create(span), { end: fail, recordException: fail, spanContext: fail });
  const providers = {
    'to begin spans': { getTracer: () => ({ startSpan: fail, startActiveSpan: fail }) },
    'to end them': { getTracer: () => ({ startSpan: () => broken, startActiveSpan: fail }) },
    altogether: { getTracer: fail },
  };
  for (const [what, provider] of Object.entries(providers)) {
    it(`messages are worked on as without one that fails ${what}, which is told once`, async () => {
      trace.setGlobalTracerProvider(provider);
      const log = keepingLogger();
      const [got, dead] = [await network.collect('w.OUT'), await network.collect('dead-w.IN')];
      const component = participant({
        component: 'W',
        inports: { in: {} },
        outports: { out: {} },
        process({ in: data }, { send }) {
          if (data === 'bad') throw new Error('it is bad');
          return send('out', data);
        },
      });
      const running = await network.start(component, 'w', { log });
      await network.start(source, 's');
      await network.hand.bind({ kind: 'pubsub', source: queue('s.OUT'), target: queue('w.IN') });
      for (const role of ['w', 's']) await network.wire(role, { out: 'ready' });
      for (const data of ['bad', 'two']) await network.send('w.IN', data);
      await until(() => running.counters.inports.in?.settled === 3);
      expect(got.map(({ data }) => data)).to.have.members(['one', 'two']);
      expect(dead.map(({ headers }) => headers['msgflo-dead-reason'])).to.deep.equal(['it is bad']);
      expect(log.lines.filter((line) => line.includes('on fire'))).to.have.length(1);
    });
  }
});

describe('without a provider of spans', () => {
  it('there is nothing that makes any', async () => {
    expect(await findTelemetry({ role: 'w', component: 'Worker', log: keepingLogger() })).to.equal(undefined);
  });
});
