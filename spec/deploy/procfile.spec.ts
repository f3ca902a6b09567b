import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import fc from 'fast-check';
import { procfile } from '../../src/deploy/index.js';
import { UsageError } from '../../src/errors.js';

/** What a POSIX shell makes of the command of a one-line Procfile. */
function argumentsSeenByShell(text: string): string[] {
  const command = text.slice(text.indexOf(': ') + 2).trimEnd();
  const script = `set -- ${command}\nfor argument in "$@"; do printf '%s\\0' "$argument"; done`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

describe('procfile', () => {
  it('writes a line for each role, in order, and what is included behind them', () => {
    const entries = [
      { role: 'lister', command: ['node', 'lister.js'] },
      { role: 'web_1-a', command: ['msgflo-python', 'web.py', 'web_1-a'] },
    ];
    expect(procfile(entries, { include: ['guv: node ./node_modules/.bin/guv > $LOG', 'x: y'] })).to.equal(
      'lister: node lister.js\nweb_1-a: msgflo-python web.py web_1-a\nguv: node ./node_modules/.bin/guv > $LOG\nx: y\n',
    );
  });

  it('leaves ignored roles out, even those that a Procfile could not hold', () => {
    const entries = [
      { role: 'a b', command: ['x'] },
      { role: 'kept', command: ['x'] },
    ];
    expect(procfile(entries, { ignore: ['a b'] })).to.equal('kept: x\n');
  });

  it('is empty for no entries', () => {
    expect(procfile([])).to.equal('');
  });

  it('quotes arguments so that a shell gives the program exactly these', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string({ unit: fc.constantFrom(...'abc \'"\\$`!#;&|<>()[]{}*?~=%,:/-é') }),
            fc.constantFrom('', '{"a":"b c"}', "it's", '$HOME', '!x', '~', 'a=b', '--x=$(id)'),
          ),
          { minLength: 1, maxLength: 5 },
        ),
        (command) => {
          expect(argumentsSeenByShell(procfile([{ role: 'r', command }]))).to.deep.equal(command);
        },
      ),
      { numRuns: 100 },
    );
  });

  for (const role of ['a b', 'a:b', 'é', '', 'a.b', 'a\nb']) {
    it(`refuses role ${JSON.stringify(role)}, naming it`, () => {
      expect(() => procfile([{ role, command: ['x'] }])).to.throw(UsageError, `role '${role}'`);
    });
  }

  it('refuses an argument of several lines and an empty command, naming the role', () => {
    expect(() => procfile([{ role: 'r', command: ['x', 'a\nb'] }])).to.throw(UsageError, /role 'r'.*"a\\nb"/);
    expect(() => procfile([{ role: 'r', command: [] }])).to.throw(UsageError, "role 'r' has no command");
  });
});
