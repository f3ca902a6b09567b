import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createWiring, DISCOVERY_NOTICE, readAnnouncement, wiringNotice } from '../../src/discovery/index.js';
import { asPortName, asQueueName, asRole } from '../../src/names.js';
import {
  type Component,
  newParticipantId,
  Participant,
  participant,
  participantClientOptions,
} from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import type { Broker } from '../../src/transport/index.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { until } from './network.js';

const COUNT = 500;

describe('participants on real brokers', () => {
  for (const [name, server] of [
    ['amqp', sharedRabbit],
    ['mqtt', sharedMosquitto],
  ] as const) {
    it(`${name}: a source, two hops and a sink pass everything on, with dead letters aside, once they are wired`, async function () {
      this.timeout(60_000);
      const { url } = await server();
      const tag = randomUUID().slice(0, 8);
      const role = (text: string): string => `${text}-${tag}`;
      const queue = (text: string) => asQueueName(`${text.replace(/\./, `-${tag}.`)}`);
      const seen: number[] = [];
      const source = participant({
        component: 'Source',
        outports: { out: {} },
        async produce({ send }) {
          await Promise.all(Array.from({ length: COUNT }, (_, n) => send('out', n)));
        },
      });
      const repeat = participant({
        component: 'Repeat',
        inports: { in: { type: 'int' } },
        outports: { out: {} },
        prefetch: 50,
        async process({ in: n }, { send }) {
          if (n % 100 === 7) throw new Error(`not ${n}`);
          await send('out', n);
        },
      });
      const sink = participant({
        component: 'Sink',
        inports: { in: {}, dead: {} },
        prefetch: 50,
        process: (inputs) => seen.push(Number(inputs.in ?? inputs.dead)),
      });
      const registry = builtinTransports();
      const running: Participant[] = [];
      const begin = async (component: Component, text: string): Promise<void> => {
        const id = newParticipantId(role(text));
        const broker = await registry.open(url, participantClientOptions({ id, role: role(text) }), silentLogger);
        const one = new Participant(component, { role: role(text), id, broker, run: tag, log: silentLogger });
        running.push(one);
        await one.start();
      };
      const hand: Broker = await registry.open(url, { id: `hand-${tag}` }, silentLogger);
      await hand.connect();
      const wired = new Map<string, string | undefined>();
      await hand.watch(DISCOVERY_NOTICE, (body) => {
        const message = readAnnouncement(body);
        if (message.kind === 'participant') wired.set(message.definition.role, message.definition.wired);
      });
      const edges = [
        ['source.OUT', 'a.IN'],
        ['a.OUT', 'b.IN'],
        ['b.OUT', 'sink.IN'],
        ['dead-a.IN', 'sink.DEAD'],
      ] as const;
      const tell = async (text: string, inports: Record<string, readonly string[]>): Promise<void> => {
        const sources = Object.entries(inports).map(([port, from]) => [port, from.map(queue)] as const);
        const wiring = createWiring({
          role: asRole(role(text)),
          graph: 'g',
          run: tag,
          iips: [],
          inports: hand.capabilities.binds ? {} : Object.fromEntries(sources),
          outports: { [asPortName('out')]: 'ready' },
        });
        const body = Buffer.from(JSON.stringify(wiring));
        await hand.notify({ name: wiringNotice(wiring.role), body, retain: true });
        await until(() => wired.get(wiring.role) === wiring.hash);
      };
      try {
        await begin(source, 'source');
        await begin(repeat, 'a');
        await begin(repeat, 'b');
        await begin(sink, 'sink');
        if (hand.capabilities.binds) {
          for (const [from, to] of edges) await hand.bind({ kind: 'pubsub', source: queue(from), target: queue(to) });
        }
        await tell('sink', { in: ['b.OUT'], dead: ['dead-a.IN'] });
        await tell('b', { in: ['a.OUT'] });
        await tell('a', { in: ['source.OUT'] });
        await tell('source', {});
        await until(() => new Set(seen).size === COUNT);
        expect([...new Set(seen)].sort((x, y) => x - y)).to.deep.equal(Array.from({ length: COUNT }, (_, n) => n));
      } finally {
        await Promise.all(running.map((one) => one.stop()));
        await hand.close();
      }
    });
  }
});
