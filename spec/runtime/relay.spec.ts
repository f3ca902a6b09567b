import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Definition } from '../../src/discovery/index.js';
import { asParticipantId, asQueueName, asRole } from '../../src/names.js';
import type { RelayedMessage } from '../../src/protocol/index.js';
import { FbpRelay } from '../../src/runtime/index.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import type { Broker } from '../../src/transport/index.js';
import { sharedMosquitto, startMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { eventually, rejection } from '../transport/conformance/stage.js';

const trace = (command: string, payload: object = {}): RelayedMessage => ({
  protocol: 'trace',
  command,
  payload: { ...payload },
});

/**
 * A stand-in for `noflo-runtime-msgflo`, written after what is known of it, since the program itself is not run here: its
 * queues are not persistent, it answers `trace` start, stop, clear and dump, and says nothing to anything else.
 */
async function standIn(broker: Broker, { inqueue, outqueue }: { readonly inqueue: string; readonly outqueue: string }) {
  const asked: string[] = [];
  const say = (message: unknown) => broker.send('outqueue', asQueueName(outqueue), { data: message });
  await broker.declare('inqueue', asQueueName(inqueue), { persistent: false });
  await broker.declare('outqueue', asQueueName(outqueue), { persistent: false });
  await broker.consume(asQueueName(inqueue), async ({ data }) => {
    const { protocol, command, payload } = data as RelayedMessage;
    asked.push(command);
    if (protocol === 'trace' && command === 'clear') {
      await say({ protocol: 'network', command: 'clear', payload: {} });
      await say({ protocol: 'trace', command: 'start', payload: { note: 'not what was asked' } });
      await say('no message of the protocol');
    }
    if (protocol === 'trace' && payload['graph'] === 'unknown') {
      await say({ protocol, command: 'error', payload: { message: 'no such graph' } });
    } else if (protocol === 'trace' && ['start', 'stop', 'clear', 'dump'].includes(command)) {
      await say({
        protocol,
        command,
        payload: { ...payload, ...(command === 'dump' && { flowtrace: '{"events":[]}' }) },
      });
    }
    return { verdict: 'ack', outputs: [] };
  });
  return { asked };
}

describe('FbpRelay', () => {
  for (const [name, server] of [
    ['amqp', sharedRabbit],
    ['mqtt', sharedMosquitto],
  ] as const) {
    describe(`over ${name}`, () => {
      const brokers: Broker[] = [];
      let relay: FbpRelay;
      let definition: Definition;

      async function open(): Promise<Broker> {
        const broker = await builtinTransports().open((await server()).url, { id: randomUUID() }, silentLogger);
        brokers.push(broker);
        await broker.connect();
        return broker;
      }
      beforeEach(async function () {
        this.timeout(60_000);
        const id = asParticipantId(`noflo-${randomUUID()}`);
        definition = { id, role: asRole('noflo'), component: 'main', type: 'noflo', inports: [], outports: [] };
        relay = new FbpRelay({ broker: await open(), log: silentLogger });
      });
      afterEach(async () => {
        await relay.close();
        await Promise.all(brokers.splice(0).map((broker) => broker.close({ graceMs: 0 })));
      });

      const start = async () =>
        standIn(await open(), { inqueue: `.fbp.${definition.id}.receive`, outqueue: `.fbp.${definition.id}.send` });

      it('asks a participant that announces no queues on those that it is known to have', async () => {
        await start();
        const graph = { graph: 'main' };
        expect(await relay.ask(definition, trace('start', graph))).to.deep.equal(trace('start', graph));
        const dump = await relay.ask(definition, trace('dump', { ...graph, type: 'flowtrace.json' }));
        expect(dump.payload).to.include({ flowtrace: '{"events":[]}' });
        expect(await relay.ask(definition, trace('stop', graph))).to.deep.equal(trace('stop', graph));
      });

      it('asks on the queues of the definition where it names them', async () => {
        const [inqueue, outqueue] = [`in-${definition.id}`, `out-${definition.id}`];
        await standIn(await open(), { inqueue, outqueue });
        const named = { ...definition, inqueue: asQueueName(inqueue), outqueue: asQueueName(outqueue) };
        expect((await relay.ask(named, trace('start'))).command).to.equal('start');
      });

      it('passes over what is no answer to the question, and hands on an error that is', async () => {
        await start();
        expect(await relay.ask(definition, trace('clear'))).to.deep.equal(trace('clear'));
        const refused = await relay.ask(definition, trace('start', { graph: 'unknown' }));
        expect(refused).to.deep.equal({ protocol: 'trace', command: 'error', payload: { message: 'no such graph' } });
      });

      it('asks one question at a time, in order', async () => {
        const { asked } = await start();
        const commands = ['start', 'stop', 'start', 'clear', 'dump', 'stop'];
        const answers = await Promise.all(commands.map((command) => relay.ask(definition, trace(command))));
        expect(answers.map(({ command }) => command)).to.deep.equal(commands);
        expect(asked).to.deep.equal(commands);
      });

      it('gives up on a question that is not answered, naming participant and question, and asks the next', async () => {
        const { asked } = await start();
        const lost = relay.ask(definition, { protocol: 'component', command: 'list', payload: {} }, { timeoutMs: 300 });
        const next = relay.ask(definition, trace('stop'));
        const error = await rejection(lost, 'MSGFLO_TIMEOUT');
        expect(error).to.include({ retryable: true });
        expect(error.message).to.equal(
          `participant '${definition.id}' of role 'noflo' did not answer component:list within 300 ms`,
        );
        expect((await next).command).to.equal('stop');
        expect(asked).to.deep.equal(['list', 'stop']);
      });

      it('does not ask any more what was given up while it waited its turn', async () => {
        const { asked } = await start();
        const first = relay.ask(definition, trace('nothing'), { timeoutMs: 400 });
        const second = relay.ask(definition, trace('dump'), { timeoutMs: 100 });
        await rejection(second, 'MSGFLO_TIMEOUT');
        await rejection(first, 'MSGFLO_TIMEOUT');
        await relay.ask(definition, trace('stop'));
        expect(asked).to.deep.equal(['nothing', 'stop']);
      });

      it('says that there is nobody, and finds a participant that comes later', async () => {
        const nobody = await relay.ask(definition, trace('start'), { timeoutMs: 300 }).catch((error: unknown) => error);
        expect(nobody).to.be.instanceOf(Error).and.include({ retryable: true });
        await start();
        expect((await relay.ask(definition, trace('start'))).command).to.equal('start');
      });

      it('leaves a participant of non-persistent queues able to speak', async () => {
        await start();
        await relay.ask(definition, trace('start'));
        const other = new FbpRelay({ broker: await open(), log: silentLogger });
        await other.ask(definition, trace('stop'));
        await other.close();
        expect((await relay.ask(definition, trace('start'))).command).to.equal('start');
      });

      it('ends with close() what waits, and refuses what comes after', async () => {
        const { asked } = await start();
        const waiting = [relay.ask(definition, trace('nothing')), relay.ask(definition, trace('start'))];
        await eventually(() => asked.length === 1, 'the question to arrive');
        const refused = waiting.map((each) => rejection(each, 'MSGFLO_NOT_CONNECTED'));
        await relay.close();
        await Promise.all(refused);
        await rejection(relay.ask(definition, trace('start')), 'MSGFLO_NOT_CONNECTED');
        expect(asked).to.deep.equal(['nothing']);
      });
    });
  }

  it('does not wait, at its end, for a broker that is away', async () => {
    const server = await startMosquitto();
    const broker = await builtinTransports().open(server.url, { id: randomUUID() }, silentLogger);
    await broker.connect();
    const relay = new FbpRelay({ broker, log: silentLogger });
    await server.kill();
    await eventually(() => broker.status === 'reconnecting', 'the loss to be noticed');
    const id = asParticipantId('noflo');
    const asked = relay.ask(
      { id, role: asRole('noflo'), component: 'main', inports: [], outports: [] },
      trace('start'),
    );
    await Promise.all([rejection(asked, 'MSGFLO_NOT_CONNECTED'), relay.close()]);
    await broker.close({ graceMs: 0 });
  });
});
