import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { createWiring, DISCOVERY_NOTICE, readAnnouncement, wiringNotice } from '../../src/discovery/index.js';
import { asQueueName, asRole, type QueueName } from '../../src/names.js';
import {
  type Component,
  newParticipantId,
  Participant,
  participant,
  participantClientOptions,
} from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import type { Consumer } from '../../src/transport/index.js';
import { BrokerProcess, freshDir } from '../embedded/broker-process.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { until } from './network.js';

const ROUNDS = 50;
const KEPT = { keep: 'ready', cut: 'unconnected' } as const;
const ALL = { keep: 'ready', cut: 'ready' } as const;

/** Sends numbers on both outports, in steps so small that some are always under way. */
function counter(sent: number[], isOver: () => boolean): Component {
  return participant({
    component: 'Counter',
    outports: { keep: {}, cut: {} },
    async produce({ send }) {
      while (!isOver()) {
        const n = sent.length;
        sent.push(n);
        await Promise.all([send('keep', n), send('cut', n), n % 4 === 0 ? delay(1) : undefined]);
      }
    },
  });
}

const both = participant({
  component: 'Both',
  inports: { in: {} },
  outports: { keep: {}, cut: {} },
  prefetch: 20,
  process: async ({ in: n }, { send }) => {
    await Promise.all([send('cut', n), send('keep', n)]);
  },
});

describe('taking an edge away under load', () => {
  const servers = {
    amqp: async () => ({ url: (await sharedRabbit()).url, stop: async () => {} }),
    mqtt: async () => ({ url: (await sharedMosquitto()).url, stop: async () => {} }),
    log: async () => {
      const { dir, remove } = await freshDir();
      const broker = await BrokerProcess.start(dir);
      const stop = async (): Promise<void> => {
        await broker.kill('SIGTERM');
        await remove();
      };
      return { url: broker.address, stop };
    },
  };
  for (const [name, start] of Object.entries(servers)) {
    it(`${name}: ${ROUNDS} times, once its source has said so, holds nothing up and loses nothing beside it`, async function () {
      this.timeout(60_000);
      const { url, stop } = await start();
      const tag = randomUUID().slice(0, 8);
      const registry = builtinTransports();
      const hand = await registry.open(url, { id: `hand-${tag}` }, silentLogger);
      await hand.connect();
      const queue = (text: string): QueueName => asQueueName(`${tag}-${text}`);
      const wired = new Map<string, string | undefined>();
      await hand.watch(DISCOVERY_NOTICE, (body) => {
        const message = readAnnouncement(body);
        if (message.kind === 'participant') wired.set(message.definition.role, message.definition.wired);
      });
      const running: Participant[] = [];
      const begin = async (component: Component, text: string): Promise<void> => {
        const role = `${tag}-${text}`;
        const id = newParticipantId(role);
        const broker = await registry.open(url, participantClientOptions({ id, role }), silentLogger);
        const one = new Participant(component, { role, id, broker, run: tag, log: silentLogger });
        running.push(one);
        await one.start();
      };
      const tell = async (text: string, outports: Record<string, 'ready' | 'unconnected'>): Promise<void> => {
        const sources = text === 'both' && !hand.capabilities.binds ? [queue('counter.KEEP')] : [];
        const role = asRole(`${tag}-${text}`);
        const wiring = createWiring({ role, graph: 'g', run: tag, iips: [], inports: { in: sources }, outports });
        const body = Buffer.from(JSON.stringify(wiring));
        await hand.notify({ name: wiringNotice(role), body, retain: true });
        await until(() => wired.get(role) === wiring.hash);
      };
      const collect = async (target: string): Promise<{ seen: Set<unknown>; consumer: Consumer }> => {
        const seen = new Set<unknown>();
        await hand.declare('inqueue', queue(target));
        const options = { prefetch: 100 };
        const consumer = await hand.consume(
          queue(target),
          async ({ data }) => {
            seen.add(data);
            return { verdict: 'ack', outputs: [] };
          },
          options,
        );
        return { seen, consumer };
      };
      const sent: number[] = [];
      let isOver = false;
      try {
        await begin(both, 'both');
        await begin(
          counter(sent, () => isOver),
          'counter',
        );
        const kept = await collect('kept');
        const cuts = [await collect('cut-counter'), await collect('cut-both')] as const;
        const edges: readonly (readonly [Consumer, string, string])[] = [
          [cuts[0].consumer, 'counter.CUT', 'cut-counter'],
          [cuts[1].consumer, 'both.CUT', 'cut-both'],
        ];
        const connect = async (consumer: Consumer | undefined, source: string, target: string): Promise<void> => {
          if (!hand.capabilities.binds) await consumer?.listenTo([queue(source)]);
          else await hand.bind({ kind: 'pubsub', source: queue(source), target: queue(target) });
        };
        const disconnect = async (consumer: Consumer, source: string, target: string): Promise<void> => {
          if (!hand.capabilities.binds) await consumer.listenTo([]);
          else await hand.unbind({ kind: 'pubsub', source: queue(source), target: queue(target) });
        };
        await connect(undefined, 'counter.KEEP', 'both.IN');
        await connect(kept.consumer, 'both.KEEP', 'kept');
        for (const edge of edges) await connect(...edge);
        await tell('both', ALL);
        await tell('counter', ALL);
        for (let round = 0; round < ROUNDS; round += 1) {
          await Promise.all([tell('counter', KEPT), tell('both', KEPT)]);
          for (const edge of edges) await disconnect(...edge);
          const before = sent.length;
          await until(() => sent.length > before + 5 && kept.seen.has(before));
          for (const edge of edges) await connect(...edge);
          await Promise.all([tell('counter', ALL), tell('both', ALL)]);
          const again = sent.length;
          await until(
            () => sent.length > again + 5 && cuts.every(({ seen }) => [...seen].some((n) => Number(n) >= again)),
          );
        }
        isOver = true;
        await until(() => kept.seen.size === sent.length);
        expect(cuts.map(({ seen }) => seen.size < sent.length)).to.deep.equal([true, true]);
      } finally {
        isOver = true;
        await Promise.all(running.map((one) => one.stop()));
        await hand.close();
        await stop();
      }
    });
  }
});
