import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { type Ended, linesOf, Project, SPEC_LIMIT_MS } from './run-executable.js';

const WITH_BROKER = [
  'msgflo',
  'msgflo-setup',
  'msgflo-register',
  'msgflo-register-foreign',
  'msgflo-send-message',
  'msgflo-dump-message',
  'msgflo-participant',
  'msgflo-script',
  'msgflo-router',
  'msgflo-bindings',
  'msgflo-monitor',
  'msgflo-top',
  'msgflo-dead',
];
const ALL = [...WITH_BROKER, 'msgflo-procfile', 'msgflo-log'];

/** The flags that scripts of existing projects give. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  msgflo:
    `--host --port --broker --management --ide --library --componentdir --graph --ignore --forward --auto-save --wait-timeout
    --runtime-id --ping-url --ping-method --ping-interval`.split(/\s+/),
  'msgflo-setup':
    `--broker --participants --only --ignore --library --componentdir --forward --discover --timeout --forever --shell
    --log-sync --log-keep --log-keep-bytes --log-memory --log-listen --mqtt-listen`.split(/\s+/),
  'msgflo-procfile': ['--library', '--ignore', '--include', '--components'],
  'msgflo-register': ['--broker', '--role', '--interval', '--forever'],
  'msgflo-register-foreign': ['--broker', '--role', '--interval', '--forever'],
  'msgflo-send-message': ['--broker', '--queue', '--json', '--traceparent'],
  'msgflo-dump-message': ['--broker', '--queue', '--amount'],
  'msgflo-participant': ['--broker', '--name'],
  'msgflo-bindings': ['--broker', '--management', '--json', '--wait'],
  'msgflo-top': '--broker --management --once --json --interval --sort --role --queue'.split(' '),
  'msgflo-monitor': '--broker --queue --expect-periodic --fail-missed --grace --exec --forever --duration --json'.split(
    ' ',
  ),
  'msgflo-log': ['--json', '--topic', '--from', '--to', '--limit', '--reverse'],
  'msgflo-dead':
    `--broker --management --role --port --queue --where --limit --wait --json --body --dry-run --rate --canary --canary-wait
    --edit --unsure --all`.split(/\s+/),
};

/** Enough arguments for each to look for its broker. */
const ENOUGH: Readonly<Record<string, readonly string[]>> = {
  msgflo: ['--port', '0'],
  'msgflo-setup': ['g.fbp'],
  'msgflo-register': ['--role', 'a:lamp.yml'],
  'msgflo-register-foreign': ['lamp.yml'],
  'msgflo-send-message': ['--queue', 'q', '--json', '1'],
  'msgflo-dump-message': ['--queue', 'q'],
  'msgflo-participant': ['participants/Repeat.js'],
  'msgflo-script': ['--role', 'r', '--cmd', 'cat'],
  'msgflo-router': [],
  'msgflo-bindings': [],
  'msgflo-dead': ['list'],
  'msgflo-log': ['inspect'],
  'msgflo-monitor': ['--queue', 'q', '--expect-periodic', '1s'],
  'msgflo-top': ['--once'],
};

describe('every executable', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  before(async () => {
    project = await Project.make({
      'g.fbp': 'a(Repeat) OUT -> IN b(Print)\n',
      'lamp.yml': 'component: Lamp\noutports: { out: { queue: lamp } }\n',
    });
  });
  after(() => project.clean());

  const runAll = async (names: readonly string[], args: (name: string) => readonly string[], env = {}) => {
    const ended: [string, Ended][] = [];
    const queue = [...names];
    const worker = async (): Promise<void> => {
      for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
        ended.push([name, await project.run(name, args(name), { env })]);
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    return ended;
  };

  it('is in this list', () => {
    const there = readdirSync(new URL('../../bin', import.meta.url)).map((file) => file.replace(/\.js$/, ''));
    expect(there.filter((name) => name !== 'msgflo-coordinator')).to.have.members(ALL);
  });

  it('explains each of its flags with --help, on stdout', async () => {
    for (const [name, { code, stdout, stderr }] of await runAll(ALL, () => ['--help'])) {
      expect({ name, code, stderr }).to.deep.equal({ name, code: 0, stderr: '' });
      expect(stdout).to.match(new RegExp(`^Usage: ${name} `));
      for (const flag of FLAGS[name] ?? []) expect(stdout, name).to.match(new RegExp(`^  ${flag}[ ,].*\\S`, 'm'));
    }
  });

  it('answers a flag it does not know with one line that names it, and exit code 2', async () => {
    for (const [name, { code, stdout, stderr }] of await runAll(ALL, (one) => [
      ...(ENOUGH[one] ?? []),
      '--frobnicate',
    ])) {
      expect({ name, code, stdout }).to.deep.equal({ name, code: 2, stdout: '' });
      expect(stderr).to.equal(`${name}: unknown option '--frobnicate' (--help lists the options)\n`);
    }
  });

  it('takes its broker from the flag, else MSGFLO_BROKER, else CLOUDAMQP_URL, and names a wrong one', async () => {
    const both = { MSGFLO_BROKER: 'from-msgflo://x', CLOUDAMQP_URL: 'from-cloud://user:secret@x' };
    const flagged = await runAll(WITH_BROKER, (name) => [...(ENOUGH[name] ?? []), '--broker=from-flag://x'], both);
    const some = ['msgflo', 'msgflo-setup', 'msgflo-participant'];
    const own = await runAll(some, (name) => ENOUGH[name] ?? [], both);
    const cloud = await runAll(some, (name) => ENOUGH[name] ?? [], { ...both, MSGFLO_BROKER: '' });
    for (const [ended, address] of [
      [flagged, 'from-flag://x'],
      [own, 'from-msgflo://x'],
      [cloud, 'from-cloud://user:***@x'],
    ] as const) {
      for (const [name, { code, stdout, stderr }] of ended) {
        expect({ name, code, stdout }).to.deep.equal({ name, code: 2, stdout: '' });
        expect(linesOf(stderr), stderr).to.have.length(1);
        expect(stderr)
          .to.include(`'${address}'`)
          .and.to.match(/known are: .*amqp:\/\/.*mqtt:\/\//);
      }
    }
  });

  it('exits 1 where no broker is named and none runs in the folder, saying what to do, unless it stays up', async () => {
    const joiners = WITH_BROKER.filter((name) => name !== 'msgflo');
    for (const [name, { code, stdout, stderr }] of await runAll(joiners, (one) => ENOUGH[one] ?? [])) {
      expect({ name, code, stdout }).to.deep.equal({ name, code: 1, stdout: '' });
      expect(stderr).to.match(
        /^\S+: no broker: give --broker URL or set MSGFLO_BROKER, or start 'msgflo' in this folder /,
      );
      expect(linesOf(stderr)).to.have.length(1);
    }
  });

  it('is no router for a broker that binds by itself', async () => {
    const { code, stdout, stderr } = await project.run('msgflo-router', ['--broker', 'amqp://u:p@127.0.0.1:9']);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr).to.equal(
      'msgflo-router: a router is for MQTT brokers (mqtt://): amqp://u:***@127.0.0.1:9 binds by itself\n',
    );
  });
});
