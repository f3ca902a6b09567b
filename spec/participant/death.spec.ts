import { hostname } from 'node:os';
import { expect } from 'chai';
import { deathOf, failureOf, type Place } from '../../src/participant/death.js';
import { participant } from '../../src/participant/index.js';
import { HEADER } from '../../src/transport/index.js';
import { Network, until } from './network.js';

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
