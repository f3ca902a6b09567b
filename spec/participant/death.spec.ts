import { hostname } from 'node:os';
import { expect } from 'chai';
import { deathOf, failureOf, type Place } from '../../src/participant/death.js';
import { participant } from '../../src/participant/index.js';
import { HEADER } from '../../src/transport/index.js';
import { keepingLogger, Network, until } from './network.js';

const place: Place = { role: 'r', component: 'C', participant: 'r-1', host: 'h' };
const factsOf = (error: unknown, failures = [failureOf(error)]) => {
  const { deadLetter, headers = {} } = deathOf('in', error, failures, place);
  return { reason: deadLetter, headers };
};

describe('what is told of a dead letter', () => {
  it('says where it died and of what, with the frames of whoever wrote the component', () => {
    const { reason, headers } = factsOf(new RangeError('too far'));
    expect(reason).to.equal('too far');
    expect(headers).to.include({
      [HEADER.deadError]: 'RangeError',
      [HEADER.deadRole]: 'r',
      [HEADER.deadPort]: 'in',
      [HEADER.deadComponent]: 'C',
      [HEADER.deadParticipant]: 'r-1',
      [HEADER.deadHost]: 'h',
    });
    const stack = headers[HEADER.deadStack] ?? '';
    expect(stack).to.match(/^at .*death\.spec\.ts:\d+:\d+\)?( \| at |$)/);
    expect(stack).not.to.match(/node:|too far/);
  });

  it('goes on with what an error was caused by', () => {
    const cause = new TypeError('no such table', { cause: new Error('disk full') });
    const stack = factsOf(new Error('cannot save', { cause })).headers[HEADER.deadStack] ?? '';
    expect(stack).to.match(
      /^at .* \| caused by TypeError: no such table \| at .* \| caused by Error: disk full \| at /,
    );
  });

  it('has no stack where nothing was thrown that has one', () => {
    for (const thrown of ['text', undefined, { some: 'object' }])
      expect(factsOf(thrown).headers, String(thrown)).not.to.have.property(HEADER.deadStack);
  });

  it('is small, whatever is thrown how often, and keeps the latest attempts', () => {
    const error = new Error('"äöü🙂\\'.repeat(10_000), { cause: new Error('€'.repeat(100_000)) });
    error.stack = Array<string>(10_000).fill('    at somewhere (/far/away/file.js:1:1)').join('\n');
    const failures = Array.from({ length: 1000 }, (_, atMs) => ({ ...failureOf(error), atMs }));
    const { reason, headers } = factsOf(error, failures);
    const bytes = Buffer.byteLength([reason, ...Object.values(headers)].join(''));
    expect(bytes).to.be.below(40_000);
    const attempts = JSON.parse(headers[HEADER.deadAttempts] ?? '[]') as { at: number }[];
    expect(attempts.length).to.be.within(2, 999);
    expect(attempts.map(({ at }) => at)).to.deep.equal(failures.slice(-attempts.length).map(({ atMs }) => atMs));
  });

  it('has no character that a broker would end the connection for', () => {
    const { reason, headers } = factsOf(new Error('one\r\ntwo\0three\u007f\u0085\uffff'));
    expect(reason).to.equal('one two three ');
    for (const [name, value] of Object.entries(headers)) expect(value, name).not.to.match(/\p{Cc}/u);
  });

  const getter = (name: string): Error =>
    Object.defineProperty(new Error('x'), name, {
      get() {
        throw Object.create(null);
      },
    });
  const circular = new Error('round and round');
  circular.cause = circular;
  const trap = (): never => {
    throw new Error('a trap');
  };
  const thrown: Readonly<Record<string, [unknown, string, string]>> = {
    nothing: [undefined, 'undefined', 'undefined'],
    'an object': [Object.freeze({ code: 5 }), '{"code":5}', 'object'],
    'what looks like an error': [{ name: 'ForeignError', message: 'far away' }, 'far away', 'ForeignError'],
    'an object without a prototype': [Object.create(null), 'something was thrown that cannot be shown', 'object'],
    'an error whose message throws': [getter('message'), 'something was thrown that cannot be shown', 'Error'],
    'an error whose name throws': [getter('name'), 'x', 'object'],
    'an error whose stack throws': [getter('stack'), 'x', 'Error'],
    'an error whose cause throws': [getter('cause'), 'x', 'Error'],
    'an error that may not be asked for retries': [getter('retryable'), 'x', 'Error'],
    'an error whose message is no text': [
      Object.assign(new Error('x'), { message: { deep: 1 } }),
      '{"deep":1}',
      'Error',
    ],
    'an error without a name': [Object.assign(new Error('x'), { name: undefined }), 'x', 'Error'],
    'an error that is its own cause': [circular, 'round and round', 'Error'],
    'an error with a cause that says nothing': [
      new Error('x', { cause: Object.assign(new Error('y'), { message: 5 }) }),
      'x',
      'Error',
    ],
    'a proxy': [
      new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap }),
      'something was thrown that cannot be shown',
      'object',
    ],
  };
  for (const [name, [error, reason, kind]] of Object.entries(thrown)) {
    it(`is all there and counted when ${name} is thrown`, async () => {
      const network = await Network.open();
      try {
        const dead = await network.collect('dead-w.IN');
        const component = participant({
          component: 'Thrower',
          inports: { in: { retry: { attempts: 2, delayMs: 0 } } },
          process: () => {
            throw error;
          },
        });
        const running = await network.start(component, 'w');
        await network.wire('w');
        await network.send('w.IN', 1);
        await until(() => dead.length === 1 && running.counters.inports.in?.settled === 1);
        expect(running.counters.inports.in).to.include({ taken: 1, retried: 1, dead: 1 });
        const headers = dead[0]?.headers ?? {};
        expect(headers).to.include({
          [HEADER.deadReason]: reason,
          [HEADER.deadError]: kind,
          [HEADER.deadPort]: 'in',
        });
        expect(JSON.parse(headers[HEADER.deadAttempts] ?? '')).to.have.length(2);
      } finally {
        await network.close();
      }
    });
  }

  it('is one line of a sensible length in the log', async () => {
    const network = await Network.open();
    const log = keepingLogger();
    try {
      const component = participant({
        component: 'Thrower',
        inports: { in: {} },
        process: () => {
          throw new Error('a page\r\n\u001b[2J'.repeat(10_000));
        },
      });
      const running = await network.start(component, 'w', { log });
      await network.wire('w');
      await network.send('w.IN', 1);
      await until(() => running.counters.inports.in?.dead === 1);
      const line = log.lines.find((each) => each.includes('a page'));
      expect(line).to.have.length.below(400);
      expect(line).not.to.match(/\p{Cc}/u);
    } finally {
      await network.close();
    }
  });

  it('replaces what was told of an earlier death, and leaves the other headers alone', async () => {
    const network = await Network.open();
    try {
      const dead = await network.collect('dead-w.IN');
      const component = participant({
        component: 'Thrower',
        inports: { in: {} },
        process: () => {
          throw 'nothing but text';
        },
      });
      const { id } = await network.start(component, 'w');
      await network.wire('w');
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const earlier = { [HEADER.deadStack]: 'at old', [HEADER.deadReason]: 'old', [HEADER.redriven]: '1', traceparent };
      await network.send('w.IN', 1, earlier);
      await until(() => dead.length === 1);
      expect(dead[0]?.headers).to.not.have.property(HEADER.deadStack);
      expect(dead[0]?.headers).to.include({
        [HEADER.deadReason]: 'nothing but text',
        [HEADER.deadParticipant]: id,
        [HEADER.deadHost]: hostname(),
        [HEADER.redriven]: '1',
        traceparent,
      });
    } finally {
      await network.close();
    }
  });
});
