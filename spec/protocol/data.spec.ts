import { expect } from 'chai';
import fc from 'fast-check';
import { emptyGraph } from '../../src/graph/index.js';
import { asPortName, asRole } from '../../src/names.js';
import { dataStage, edge, end } from './data-stage.js';
import type { RecordingClient } from './recording-client.js';

const data = (text: string, value: unknown = 1) => ({ kind: 'data', ...edge(text), data: value }) as const;
const iip = (to: string, value: unknown = 1) => ({ kind: 'data', to: end(to), data: value }) as const;
const ids = (client: RecordingClient): unknown[] => client.payloads('data').map(({ id }) => id);

describe('protocol data', () => {
  describe('of edges', () => {
    it('goes to a client that started the network and chose no edges: all of it, IIPs included', () => {
      const { feed, client } = dataStage();
      const [starter, other] = [client(), client()];
      feed.startedBy(starter);
      feed.take(iip('a.in', 'Hello'));
      feed.take(data('a.out b.in', 'Hello'));
      expect(starter.told).to.deep.equal([
        {
          protocol: 'network',
          command: 'data',
          payload: { id: 'DATA -> IN a()', tgt: { node: 'a', port: 'in' }, graph: 'main', data: 'Hello' },
        },
        {
          protocol: 'network',
          command: 'data',
          payload: {
            id: 'a() OUT -> IN b()',
            src: { node: 'a', port: 'out' },
            tgt: { node: 'b', port: 'in' },
            graph: 'main',
            data: 'Hello',
          },
        },
      ]);
      expect(other.told).to.deep.equal([]);
    });

    it('goes to a client that chose that edge, however it spells the ports, and no longer once it chose others', () => {
      const { feed, client } = dataStage();
      const looking = client();
      feed.select(looking, [edge('a.OUT b.In'), edge('b.out c.in')]);
      feed.take(data('a.out b.in'));
      feed.take(data('b.out d.in'));
      expect(ids(looking)).to.deep.equal(['a() OUT -> IN b()']);
      feed.select(looking, [edge('b.out d.in')]);
      feed.take(data('a.out b.in'));
      feed.take(data('b.out d.in'));
      expect(ids(looking)).to.deep.equal(['a() OUT -> IN b()', 'b() OUT -> IN d()']);
      feed.select(looking, []);
      feed.take(data('b.out d.in'));
      expect(looking.told).to.have.length(2);
    });

    it('tells ports apart by case where the graph does', () => {
      const { feed, client } = dataStage({ graph: { ...emptyGraph('main'), caseSensitive: true } });
      const looking = client();
      feed.select(looking, [edge('a.OUT b.in')]);
      feed.take(data('a.out b.in'));
      expect(looking.told).to.deep.equal([]);
      feed.take(data('a.OUT b.in'));
      expect(looking.told).to.have.length(1);
    });

    it('goes once to a client that chose an edge twice', () => {
      const { feed, client } = dataStage();
      const looking = client();
      feed.select(looking, [edge('a.out b.in'), edge('a.out b.in')]);
      feed.take(data('a.out b.in'));
      expect(looking.told).to.have.length(1);
      feed.select(looking, []);
      feed.take(data('a.out b.in'));
      expect(looking.told).to.have.length(1);
    });

    it('is what was chosen, before or after the client started the network', () => {
      const { feed, client } = dataStage();
      const [before, after] = [client(), client()];
      feed.select(before, []);
      feed.startedBy(before);
      feed.startedBy(after);
      feed.select(after, []);
      feed.take(data('a.out b.in'));
      expect([...before.told, ...after.told]).to.deep.equal([]);
    });

    it('of an IIP goes to a client that chose an edge into its port', () => {
      const { feed, client } = dataStage();
      const [into, elsewhere] = [client(), client()];
      feed.select(into, [edge('a.out b.in'), edge('c.out b.in')]);
      feed.select(elsewhere, [edge('b.out c.in')]);
      feed.take(iip('b.in'));
      expect(ids(into)).to.deep.equal(['DATA -> IN b()']);
      expect(elsewhere.told).to.deep.equal([]);
    });

    it('of all indexes goes to a client that chose none, of one index to a client that chose it', () => {
      const { feed, client } = dataStage();
      const [any, second] = [client(), client()];
      feed.select(any, [edge('a.out b.in')]);
      feed.select(second, [edge('a.out b.in[2]')]);
      for (const one of ['a.out b.in[1]', 'a.out b.in[2]', 'a.out[1] b.in[2]']) feed.take(data(one));
      expect(ids(any)).to.deep.equal(['a() OUT -> IN[1] b()', 'a() OUT -> IN[2] b()', 'a() OUT[1] -> IN[2] b()']);
      expect(ids(second)).to.deep.equal(['a() OUT -> IN[2] b()', 'a() OUT[1] -> IN[2] b()']);
      expect(any.told[0]?.payload['tgt']).to.deep.equal({ node: 'b', port: 'in', index: 1 });
    });

    it('goes to no client that is gone', () => {
      const { feed, client } = dataStage();
      const [starter, looking] = [client(), client()];
      feed.startedBy(starter);
      feed.select(looking, [edge('a.out b.in')]);
      for (const one of [starter, looking, looking]) feed.forget(one);
      feed.take(data('a.out b.in'));
      expect([...starter.told, ...looking.told]).to.deep.equal([]);
    });

    it('goes to whom a plain search through all choices would find', () => {
      const ports = fc.constantFrom('a.out', 'b.out', 'a.out[1]');
      const edges = fc.tuple(ports, fc.constantFrom('c.in', 'd.in')).map((both) => both.join(' '));
      const step = fc.record({ who: fc.nat(3), chosen: fc.option(fc.array(edges, { maxLength: 4 })) });
      fc.assert(
        fc.property(fc.array(step, { maxLength: 12 }), edges, (steps, sent) => {
          const { feed, client } = dataStage();
          const clients = [client(), client(), client(), client()];
          const chosenBy = new Map<RecordingClient, readonly string[]>();
          for (const { who, chosen } of steps) {
            const one = clients[who] ?? client();
            if (chosen) feed.select(one, chosen.map(edge));
            else feed.forget(one);
            chosenBy.set(one, chosen ?? []);
          }
          feed.take(data(sent));
          for (const one of clients) {
            const isMeant = chosenBy.get(one)?.some((text) => text === sent || text === sent.replace('[1]', ''));
            expect(one.told).to.have.length(isMeant ? 1 : 0);
          }
        }),
      );
    });

    it('is serialised once however many look, and not at all where nobody does', () => {
      const { feed, client } = dataStage();
      let count = 0;
      const counted = {
        toJSON: () => {
          count += 1;
          return 'x';
        },
      };
      feed.take(data('a.out b.in', counted));
      expect(count).to.equal(0);
      const clients = Array.from({ length: 10 }, () => client());
      for (const one of clients) feed.select(one, [edge('a.out b.in')]);
      feed.take(data('a.out b.in', counted));
      expect(count).to.equal(1);
      expect(new Set(clients.flatMap(({ frames }) => frames)).size).to.equal(1);
    });

    it('may be dropped for a slow reader', () => {
      const { feed, client } = dataStage();
      const looking = client();
      feed.startedBy(looking);
      feed.take(data('a.out b.in'));
      expect(looking.options).to.deep.equal([{ droppable: true }]);
    });
  });

  describe('shows', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const throwing = {
      toJSON: () => {
        throw new Error('no');
      },
    };
    for (const [what, value, expected] of [
      ['JSON as it is', { a: [1, null, 'x'] }, { a: [1, null, 'x'] }],
      ['nothing as null', undefined, null],
      ['bytes that are text as text', Buffer.from('grün'), 'grün'],
      ['other bytes as a data URL', Buffer.from([255, 0, 1]), 'data:application/octet-stream;base64,/wAB'],
      ['any typed bytes', new Uint8Array([104, 105]), 'hi'],
      ['just under a MiB', 'x'.repeat(1024 * 1024 - 2), 'x'.repeat(1024 * 1024 - 2)],
      ['its size for what is longer', 'x'.repeat(2.5 * 1024 * 1024), '(not shown: 2.5 MiB)'],
      ['its size for what has fewer characters but more bytes', 'é'.repeat(900 * 1024), '(not shown: 1.8 MiB)'],
      ['its size for long bytes', Buffer.alloc(3 * 1024 * 1024), '(not shown: 3.0 MiB)'],
      ['that a number has no JSON', 10n, /^\(not shown: .*BigInt/],
      ['that something holds itself', circular, /^\(not shown: .*circular/],
      ['that something fails', throwing, '(not shown: no)'],
    ] as const) {
      it(what, () => {
        const { feed, client } = dataStage();
        const looking = client();
        feed.startedBy(looking);
        feed.take({ ...data('a.out b.in'), data: value });
        const shown = looking.told[0]?.payload['data'];
        if (expected instanceof RegExp) expect(shown).to.match(expected);
        else expect(shown).to.deep.equal(expected);
      });
    }

    it('names of any characters', () => {
      const { feed, client } = dataStage();
      const looking = client();
      feed.startedBy(looking);
      const from = { role: asRole('demo/"a"\n'), port: asPortName('out') };
      feed.take({ kind: 'data', from, to: end('b.in'), data: 1 });
      expect(looking.told[0]?.payload['src']).to.deep.equal({ node: 'demo/"a"\n', port: 'out' });
    });
  });

  describe('of the runtime', () => {
    it('is a packet for what leaves through an exported port, whoever started the network', () => {
      const { feed, client } = dataStage();
      const [any, without] = [client(), client('runtime:packet')];
      feed.take({ kind: 'packet', port: asPortName('failed'), data: { a: 1 } });
      expect(any.told).to.deep.equal([
        {
          protocol: 'runtime',
          command: 'packet',
          payload: { port: 'failed', event: 'data', graph: 'main', payload: { a: 1 } },
        },
      ]);
      expect(any.options).to.deep.equal([{ droppable: true }]);
      expect(without.told).to.deep.equal([]);
    });

    it('is output for what participants print: stderr only while debugging', () => {
      const { feed, client } = dataStage();
      const any = client();
      const print = (stream: 'stdout' | 'stderr', line: string): void =>
        feed.take({ kind: 'output', role: asRole('a'), stream, line });
      print('stdout', 'one');
      print('stderr', 'two');
      feed.setDebug(true);
      print('stderr', 'three');
      feed.setDebug(false);
      print('stderr', 'four');
      expect(any.payloads('output')).to.deep.equal([
        { message: 'a: one', type: 'message' },
        { message: 'a: three', type: 'message' },
      ]);
      expect(any.options).to.deep.equal([{ droppable: true }, { droppable: true }]);
    });

    it('is an error, an error of a node, an icon, none of which is dropped', () => {
      const { feed, client } = dataStage();
      const any = client();
      feed.take({ kind: 'process-error', role: asRole('a'), message: 'crashed' });
      feed.take({ kind: 'error', message: 'the broker is gone' });
      feed.take({ kind: 'icon', role: asRole('a'), icon: 'cog' });
      expect(any.payloads('processerror')).to.deep.equal([{ id: 'a', error: 'crashed', graph: 'main' }]);
      expect(any.payloads('output')).to.deep.equal([{ message: 'msgflo: the broker is gone', type: 'message' }]);
      expect(any.payloads('icon')).to.deep.equal([{ id: 'a', icon: 'cog', graph: 'main' }]);
      expect(any.options).to.deep.equal(Array(3).fill({ droppable: false }));
    });
  });
});
