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

  const inport = (spec: object) => ({ component: 'A', inports: { in: spec }, process: nothing });
  const wrongInports: readonly (readonly [object, string])[] = [
    [{ order: 'first' }, '\'order\' is a number from -1000000 to 1000000, not "first"'],
    [{ order: Number.NaN }, "'order' is a number"],
    [{ retry: 3 }, "'retry' is an object, { attempts: 3 } at least, not 3"],
    [{ retry: {} }, "'retry' needs 'attempts'"],
    [{ retry: { times: 3 } }, "'retry' has no option 'times'; there are: attempts, delayMs"],
    [{ retry: { attempts: 0 } }, "'retry': 'attempts' is a whole number from 1 to 1000, not 0"],
    [{ retry: { attempts: 2, delayMs: -1 } }, "'retry': 'delayMs' is a number from 0"],
    [{ retry: { attempts: 2, factor: 0.5 } }, "'retry': 'factor' is a number from 1"],
    [{ retry: { attempts: 2, maxDelayMs: Number.POSITIVE_INFINITY } }, "'retry': 'maxDelayMs' is a number"],
    [{ retry: { attempts: 2, jitter: 2 } }, "'retry': 'jitter' is a number from 0 to 1, not 2"],
    [{ validate: 'reject' }, "'validate' needs a 'schema'"],
    [{ crashes: 0 }, "'crashes' is a whole number from 1 to 100, not 0"],
    [{ ttlMs: 1.5 }, "'ttlMs' is a whole number from 1"],
    [{ maxLength: 0 }, "'maxLength' is a whole number from 1"],
    [{ maxBytes: '1 MB' }, "'maxBytes' is a whole number from 1"],
    [{ quorum: 'yes' }, '\'quorum\' is a boolean, not "yes"'],
    [{ quorum: true, persistent: false }, "'quorum' queues are persistent"],
    [{ deliveryLimit: 3 }, "'deliveryLimit' needs 'quorum: true'"],
    [{ maxPriority: 256 }, "'maxPriority' is a whole number from 1 to 255, not 256"],
    [{ arguments: [] }, "'arguments' is an object, not []"],
    [{ arguments: { 'x-a': null } }, "'arguments': 'x-a' is text, a number or a boolean, not null"],
  ];
  for (const [spec, words] of wrongInports) {
    it(`refuses an inport with ${JSON.stringify(spec)}, naming component, port and option`, () => {
      expect(() => define(inport(spec)))
        .to.throw(`component 'A': inport 'in': ${words}`)
        .with.property('code', 'MSGFLO_USAGE');
    });
  }

  it('takes all that an inport may say', () => {
    const retry = { attempts: 5, delayMs: 0, factor: 1.5, maxDelayMs: 1000, jitter: 0 };
    const queue = { ttlMs: 1, maxLength: 1, maxBytes: 1, quorum: true, deliveryLimit: 3, arguments: { 'x-a': true } };
    expect(() => define(inport({ order: -1.5, crashes: 1, retry, ...queue, maxPriority: 9 }))).not.to.throw();
  });

  it('refuses options of inports at an outport', () => {
    const spec = { component: 'A', outports: { out: { ttlMs: 1 } }, produce: nothing };
    expect(() => define(spec)).to.throw("outport 'out' has no option 'ttlMs'; there are: type,");
  });
});
