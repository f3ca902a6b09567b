import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { NetworkFigures } from '../../src/coordinator/index.js';
import { Coordinator } from '../../src/coordinator/index.js';
import { asPortName, asQueueName, asRole } from '../../src/names.js';
import { type Component, participant } from '../../src/participant/index.js';
import { Metrics, type MetricsSource } from '../../src/runtime/index.js';
import { silentLogger } from '../../src/support/index.js';
import { startCommand } from '../cli/from-source.js';
import { unique } from '../cli/run-executable.js';
import { complete, graphOf } from '../coordinator/scene.js';
import { until } from '../participant/network.js';
import { Exposition } from '../support/prometheus.js';
import { threeBrokers } from '../support/three-brokers.js';

/** Throws at what is bad. */
const picky: Component = participant({
  component: 'Picky',
  inports: { in: {} },
  outports: { out: {} },
  process({ in: data }) {
    if (data === 'bad') throw new Error('this is bad');
  },
});

const NOBODY = { live: 0, lost: 0, remembered: 0 };

interface Source extends MetricsSource {
  asked: number;
  isAway: boolean;
}

function sourceOf(figures: Partial<NetworkFigures>): Source {
  const source: Source = {
    asked: 0,
    isAway: false,
    rejectedAnnouncements: 2,
    report: () => ({ nodes: [], edges: [], isComplete: true }),
    instruments: {
      lostMessages: 3,
      async network() {
        source.asked += 1;
        if (source.isAway) throw new Error('away');
        return { inports: [], outports: [], roles: [], leftOut: 0, ...figures };
      },
    },
  };
  return source;
}

describe('Metrics', () => {
  it('escapes names, however odd, and writes durations as buckets that add up', async () => {
    const [role, port] = [asRole('a "b" \\ c\nd'), asPortName('p,q{}')];
    const durations = { counts: [4, 0, 3, ...Array.from({ length: 12 }, () => 0), 2], sumMs: 1500 };
    const counts = { taken: 9, settled: 9, dead: 0, retried: 0, inHand: 0, waiting: durations };
    const inports = [{ role, port, queue: asQueueName('q"'), counts, ready: 2, damage: 'at byte 7' }];
    const outports = [{ role, port, counts: { sent: 5, dropped: 6 } }];
    const roles = [{ role, participants: { ...NOBODY, live: 2 }, reconnects: 7 }];
    const metrics = new Metrics(sourceOf({ inports, outports, roles, leftOut: 8 }));
    const told = new Exposition(await metrics.text());
    const labels = { role, port };
    const waiting = (le: string) => told.value('msgflo_message_waiting_seconds_bucket', { ...labels, le });
    expect(['0.001', '0.002', '0.005', '60', '+Inf'].map(waiting)).to.deep.equal([4, 4, 7, 7, 9]);
    expect(told.value('msgflo_message_waiting_seconds_sum', labels)).to.equal(1.5);
    expect(told.value('msgflo_message_working_seconds_count', labels)).to.equal(undefined);
    expect(told.value('msgflo_queue_ready', { ...labels, queue: 'q"' })).to.equal(2);
    expect(told.value('msgflo_queue_damaged', { ...labels, queue: 'q"' })).to.equal(1);
    expect(told.value('msgflo_messages_dropped_total', labels)).to.equal(6);
    expect(told.value('msgflo_participants', { role, status: 'live' })).to.equal(2);
    expect(told.value('msgflo_participant_reconnects_total', { role })).to.equal(7);
    expect(told.value('msgflo_broker_lost_messages_total')).to.equal(3);
    expect(told.value('msgflo_coordinator_rejected_announcements_total')).to.equal(2);
    expect(told.value('msgflo_coordinator_ports_left_out')).to.equal(8);
    expect(told.value('msgflo_coordinator_resident_memory_bytes')).to.be.above(1e7);
    expect(told.value('msgflo_coordinator_start_time_seconds')).to.be.closeTo(Date.now() / 1000, 3600);
    metrics.close();
  });

  it('collects once for all who ask within a second, and again after a failure', async () => {
    let nowMs = 0;
    const source = sourceOf({});
    const metrics = new Metrics(source, () => nowMs);
    const [one, two] = await Promise.all([metrics.text(), metrics.text()]);
    nowMs = 999;
    expect([two, await metrics.text()]).to.deep.equal([one, one]);
    expect(source.asked).to.equal(1);
    nowMs = 1000;
    await metrics.text();
    expect(source.asked).to.equal(2);
    source.isAway = true;
    nowMs = 2000;
    expect(await metrics.text().catch(String)).to.equal('Error: away');
    source.isAway = false;
    await metrics.text();
    metrics.close();
  });

  describe('of a network', function () {
    this.timeout(45_000);
    const { urls, stops, connect, begin } = threeBrokers();

    for (const name of ['AMQP', 'MQTT', 'the embedded broker']) {
      it(`are right after the messages on ${name}, and after a participant was killed`, async () => {
        const url = urls[name] ?? '';
        const [a, b] = [unique('a'), unique('b')];
        const repeat = fileURLToPath(new URL('../participant/fixtures/repeat.js', import.meta.url));
        const args = [repeat, '--name', a, '--broker', url, '--slot', `${a}.1`];
        const process = startCommand('participant.ts#participant', args);
        stops.push(async () => {
          process.child.kill('SIGKILL');
          await process.ended;
        });
        await begin(url, b, picky);
        const hand = await connect(url);
        const broker = await connect(url);
        const graph = graphOf(`${a}(Repeat) OUT -> IN ${b}(Picky)`);
        const coordinator = new Coordinator({ graph, broker, log: silentLogger });
        stops.push(() => coordinator.stop());
        await coordinator.start();
        await complete(coordinator);
        let nowMs = 0;
        const metrics = new Metrics(coordinator, () => {
          nowMs += 2000;
          return nowMs;
        });
        stops.push(async () => metrics.close());
        const look = async (): Promise<Exposition> => new Exposition(await metrics.text());
        const send = async (count: number, data: unknown): Promise<void> => {
          for (let n = 0; n < count; n += 1) await hand.send('inqueue', asQueueName(`${a}.IN`), { data });
        };
        const at = (role: string, port: string) => ({ role, port });
        const settled = async (role: string): Promise<number | undefined> =>
          (await look()).value('msgflo_messages_settled_total', at(role, 'in'));

        expect(await settled(b), 'what has not happened yet is there as 0').to.equal(0);
        await send(20, 'good');
        await send(5, 'bad');
        await until(async () => (await settled(a)) === 25 && (await settled(b)) === 25);
        const figures = { ...at(b, 'in'), queue: `${b}.IN` };
        // Where the broker does not tell, it is known with the next counters of both.
        await until(async () => (await look()).value('msgflo_queue_ready', figures) === 0);
        const told = await look();
        expect(told.value('msgflo_messages_in_total', at(a, 'in'))).to.equal(25);
        expect(told.value('msgflo_messages_sent_total', at(a, 'out'))).to.equal(25);
        expect(told.value('msgflo_messages_dead_total', at(b, 'in'))).to.equal(5);
        expect(told.value('msgflo_messages_dead_total', at(a, 'in'))).to.equal(0);
        expect(told.value('msgflo_message_waiting_seconds_count', at(b, 'in'))).to.equal(25);
        expect(told.value('msgflo_message_working_seconds_bucket', { ...at(b, 'in'), le: '+Inf' })).to.equal(25);
        for (const queue of ['ready', 'unacked']) {
          expect(told.value(`msgflo_queue_${queue}`, figures), queue).to.equal(0);
        }
        expect(told.value('msgflo_queue_consumers', at(b, 'in'))).to.equal(1);
        expect(told.value('msgflo_participants', { role: a, status: 'live' })).to.equal(1);
        expect(told.value('msgflo_edges', { state: 'live' })).to.equal(1);

        process.child.kill('SIGKILL');
        await process.ended;
        expect(await settled(a)).to.equal(25);
        await begin(url, a, picky);
        await send(3, 'good');
        await until(async () => (await settled(a)) === 28);
        expect((await look()).value('msgflo_messages_sent_total', at(a, 'out'))).to.equal(25);
      });
    }
  });
});
