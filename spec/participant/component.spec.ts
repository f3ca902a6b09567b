import { expect } from 'chai';
import { isComponent, participant } from '../../src/participant/index.js';

const nothing = (): void => undefined;
/** As plain JavaScript would call it. */
const define = participant as unknown as (spec: unknown) => unknown;

describe('participant()', () => {
  it('gives a component with its defaults filled in', () => {
    const component = participant({ component: 'Sink', inports: { in: {} }, process: nothing });
    expect(isComponent(component)).to.equal(true);
    expect(component).to.include({ component: 'Sink', prefetch: 1, concurrency: 1 });
    expect(component.outports).to.deep.equal({});
  });

  it('lets process() run as often at a time as the widest prefetch, unless concurrency says otherwise', () => {
    const inports = { in: {}, fast: { prefetch: 50 } };
    expect(participant({ component: 'A', inports, prefetch: 10, process: nothing }).concurrency).to.equal(50);
    expect(participant({ component: 'A', inports, concurrency: 1, process: nothing }).concurrency).to.equal(1);
  });

  it('types inputs by port and outports by name', () => {
    participant({
      component: 'Typed',
      inports: { path: { type: 'string' }, count: { type: 'int' } },
      outports: { out: {} },
      setup: () => ({ seen: 0 }),
      async process({ path, count }, { send, state }) {
        const text: string | undefined = path;
        const number: number | undefined = count;
        state.seen += 1;
        await send('out', [text, number]);
        // @ts-expect-error there is no such outport
        await send('oops', text);
        // @ts-expect-error a path is no number
        const wrong: number | undefined = path;
        return wrong;
      },
    });
    participant({
      component: 'One',
      inports: { in: { type: 'string' } },
      process: ({ in: path }) => path.toUpperCase(),
    });
  });

  const wrong: readonly (readonly [string, unknown, string])[] = [
    ['no object', undefined, 'participant() takes an object'],
    ['no name', { inports: {} }, "needs 'component'"],
    ['a misspelt option', { component: 'A', inport: {} }, "has no option 'inport'; there are: component"],
    ['inports as a list', { component: 'A', inports: ['in'] }, "'inports' is an object of ports"],
    ['a port that is no object', { component: 'A', inports: { in: 'string' } }, "inport 'in' is an object"],
    ['an unknown port option', { component: 'A', inports: { in: { kind: 1 } } }, "inport 'in' has no option 'kind'"],
    ['a prefetch of 0', { component: 'A', prefetch: 0 }, "'prefetch' is a whole number from 1"],
    ['a port prefetch of text', { component: 'A', inports: { in: { prefetch: '2' } } }, "inport 'in': 'prefetch'"],
    ['an unrouted that is neither', { component: 'A', outports: { o: { unrouted: 'x' } } }, "'drop' or 'hold'"],
    ['inports without process()', { component: 'A', inports: { in: {} } }, 'inports but no process()'],
    ['process() without inports', { component: 'A', process: nothing }, 'process() but no inports'],
    ['nothing to do', { component: 'A' }, 'needs inports with process(), or produce()'],
    ['a process that is no function', { component: 'A', process: 'x' }, "'process' is a function"],
    [
      'two ports on one queue',
      { component: 'A', inports: { data: {} }, outports: { Data: {} }, process: nothing },
      "share one queue, the second is 'Data'",
    ],
  ];
  for (const [what, spec, words] of wrong) {
    it(`refuses ${what} in words that say so`, () => {
      expect(() => define(spec))
        .to.throw(words)
        .with.property('code', 'MSGFLO_USAGE');
    });
  }
});
