import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { expect } from 'chai';
import { until } from '../process/processes.js';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { linesOf, Project, SPEC_LIMIT_MS, unique } from './run-executable.js';

interface Pings {
  readonly url: string;
  /** `METHOD /path` of each. */
  readonly seen: string[];
  close(): Promise<unknown>;
}

/** Takes whatever comes and counts it. */
async function pingServer(): Promise<Pings> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const close = (): Promise<unknown> => {
    server.closeAllConnections();
    return once(server.close(), 'close');
  };
  return { url: `http://127.0.0.1:${port}`, seen, close };
}

const openLine = (ide: string, address: string, id: string): string =>
  `Open in Flowhub: ${ide}#runtime/endpoint?${encodeURIComponent(`protocol=websocket&address=${address}&id=${id}`)}`;

describe('msgflo', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  let pings: Pings;
  beforeEach(async () => {
    project = await Project.make({ 'hello.fbp': "'world' -> NAME greet(Greet) OUT -> IN print(Print)\n" });
    pings = await pingServer();
  });
  afterEach(async () => {
    await project.clean();
    await pings.close();
  });

  it('does what its flags say, and prints but two lines on stdout', async () => {
    await project.write({
      'lib.json': JSON.stringify({ components: { Loud: 'msgflo-participant --name #ROLE loud.js' } }),
      'loud.js': `import { participant } from 'msgflo';
        process.stderr.write('on stderr\\n');
        process.stdout.write('on stdout\\n' + process.env.MSGFLO_BROKER + '\\n');
        export default participant({ component: 'Loud', inports: { in: {} }, process() {} });`,
      'parts/Greet.js': "export { default } from '../participants/Greet.js';",
      'g.fbp':
        "'world' -> NAME greet(Greet) OUT -> IN loud(Loud)\ngreet OUT -> IN later(Nope)\ngreet OUT -> IN last(Nope)\n",
    });
    const flags = `--graph g.fbp --host 127.0.0.1 --port 0 --ide http://editor.example --library lib.json
      --componentdir parts --ignore later --ignore last --forward stdout --auto-save false --wait-timeout 0.5
      --runtime-id my-runtime --ping-url ${pings.url}/$RUNTIME_ID?up=1 --ping-method PUT --ping-interval 0.1`;
    const running = project.start('msgflo', flags.split(/\s+/));
    const address = (await running.line(/^msgflo started on /)).replace('msgflo started on ', '');
    expect(address).to.match(/^ws:\/\/127\.0\.0\.1:\d+$/);
    await running.line(/^loud \| on stdout$/);
    await running.line(/^loud \| mqtt:\/\/msgflo:\*\*\*@127\.0\.0\.1:\d+$/);
    await running.line(/^msgflo: g\.fbp:2:1: role 'later' is pending: /);
    await running.line(/^msgflo: g\.fbp:3:1: edge 'greet out -> in last' is pending: /);
    await until(() => pings.seen.length > 2);
    const { code, stdout, stderr } = await running.stop();
    expect(code, stderr).to.equal(0);
    expect(linesOf(stdout)).to.deep.equal([
      `msgflo started on ${address}`,
      openLine('http://editor.example', address, 'my-runtime'),
    ]);
    expect(stderr).not.to.include('on stderr').and.not.to.include('unknown component');
    expect(new Set(pings.seen)).to.deep.equal(new Set(['PUT /my-runtime?up=1']));
  });

  it('takes id and pings from the environment, flags before variables, and pings by POST', async () => {
    const env = {
      MSGFLO_RUNTIME_ID: 'from-env',
      MSGFLO_PING_URL: `${pings.url}/$RUNTIME_ID`,
      MSGFLO_PING_METHOD: 'PATCH',
      MSGFLO_PING_INTERVAL: '0.1',
    };
    const running = project.start('msgflo', ['--port', '0', '--ping-method', 'POST'], { env });
    expect(await running.line(/^Open in /)).to.match(/^Open in Flowhub: http:\/\/app\.flowhub\.io#.*%26id%3Dfrom-env$/);
    await until(() => pings.seen.length > 1);
    await running.stop();
    expect(new Set(pings.seen)).to.deep.equal(new Set(['POST /from-env']));
  });

  it('says that a broker which a tool has started lets in no clients of MQTT, and heeds no flags', async () => {
    const at = ['--broker', `log:${project.dir}/.msgflo`];
    await project.run('msgflo-send-message', ['--queue', 'q', '--json', '1', ...at]); // nobody takes it, but there is a broker now
    const running = project.start('msgflo', ['--port', '0', '--log-sync', 'never', '--mqtt-listen=127.0.0.1:0']);
    expect(await running.line(/using the/)).to.match(/ that runs in this folder already: process \d+, /);
    await running.line(/^msgflo: --log-sync, --mqtt-listen: not in force as long as process \d+ runs the broker, /);
    await running.line(/^msgflo: process \d+ was started without a door for MQTT: /);
    const { pid } = JSON.parse(await readFile(`${project.dir}/.msgflo/broker.json`, 'utf8')) as { pid: number };
    await running.stop();
    process.kill(pid, 'SIGTERM');
    await until(() => !project.brokerFiles().includes('broker.sock'));
  });

  it('says which broker it uses and how to choose another, keeps its id, and pings nobody unless told how often', async () => {
    const { url } = await sharedMosquitto();
    const own = 'the embedded broker, for this machine only (another: --broker amqp://... or mqtt://...)';
    const ids = new Set<string>();
    for (const [broker, args, env] of [
      [own, ['--auto-save'], {}],
      [own.replace(', for this machine only', ''), ['--log-listen', 'log://0.0.0.0:0?token=t'], {}],
      [
        `the broker ${url} (MSGFLO_BROKER)`,
        ['--auto-save=true'],
        { MSGFLO_BROKER: url, CLOUDAMQP_URL: 'amqp://[::1]:9' },
      ],
      [`the broker ${url} (CLOUDAMQP_URL)`, ['--auto-save', 'false', '--log-memory'], { CLOUDAMQP_URL: url }],
    ] as const) {
      const running = project.start('msgflo', ['--port', '0', '--ping-url', pings.url, ...args], { env });
      expect(await running.line(/using the/)).to.equal(`msgflo: using ${broker}`);
      if (broker.endsWith('(CLOUDAMQP_URL)'))
        await running.line(/^msgflo: --log-memory: not in force, as CLOUDAMQP_URL names another broker$/);
      ids.add((await running.line(/^Open in /)).replace(/.*%26id%3D/, ''));
      await running.stop();
    }
    expect(ids.size).to.equal(1);
    expect(pings.seen).to.deep.equal([]);
  });

  for (const name of ['AMQP', 'MQTT', 'the embedded broker']) {
    it(`runs a graph on ${name}, says when it is complete, and leaves nothing behind`, async () => {
      const [greet, print] = [unique('greet'), unique('print')];
      await project.write({ 'g.fbp': `'world' -> NAME ${greet}(Greet) OUT -> IN ${print}(Print)\n` });
      const shared = name === 'AMQP' ? await sharedRabbit() : name === 'MQTT' ? await sharedMosquitto() : undefined;
      const args = ['--graph', 'g.fbp', '--port=0', ...(shared ? ['--broker', shared.url] : [])];
      const running = project.start('msgflo', args);
      await running.line(new RegExp(`^${print} \\| Hello, world!$`));
      await running.line(/^msgflo: 2 of 2 roles live, 1 of 1 edges bound: the network is complete$/);
      await running.line(/^Open in /);
      const { code, stdout, stderr } = await running.stop();
      expect(code, stderr).to.equal(0);
      expect(linesOf(stdout)).to.have.length(2);
      expect(linesOf(stderr).at(-1)).to.equal('msgflo: stopping 2 processes');
      expect(await project.leftovers()).to.deep.equal([]);
      expect(project.brokerFiles()).to.deep.equal([]);
    });
  }

  it('starts what it should although nobody reads what it says', async () => {
    const running = project.shell('msgflo --graph hello.fbp --port 0 2>&1 | head -n 1');
    await running.line(/broker/);
    await until(() => project.pidsOf('participants/Print.js').length > 0);
    const [keeper = 0] = project.pidsOf('bin/msgflo ');
    process.kill(keeper, 'SIGINT');
    expect((await running.ended).stderr).to.equal('');
    expect(await project.leftovers()).to.deep.equal([]);
  });

  it('says in one line that there is no such host, and exits 1', async () => {
    const { code, stdout, stderr } = await project.run('msgflo', ['--host', 'no.such.host.invalid', '--port', '0']);
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(linesOf(stderr).filter((line) => !line.includes('using the embedded broker'))).to.deep.equal([
      'msgflo: --host no.such.host.invalid: there is no such host',
    ]);
  });

  const misuses: readonly (readonly [readonly string[], RegExp])[] = [
    [['--port', '70000'], /^msgflo: --port is a number from 0 to 65535, not '70000'$/],
    [['--auto-save=perhaps'], /^msgflo: --auto-save is true or false, not 'perhaps'$/],
    [['--wait-timeout', ''], /^msgflo: --wait-timeout is a number of seconds, not ''$/],
    [['--ping-interval', '-1'], /^msgflo: --ping-interval is a number of seconds, not '-1'$/],
    [['--ping-url', 'ftp://x', '--port', '0'], /^msgflo: --ping-url must be an http or https URL$/],
    [['absent.fbp'], /^msgflo: cannot read the graph absent\.fbp: there is no such file$/],
    [['a.fbp', 'b.fbp'], /^msgflo: too many arguments\. /],
    [['a.fbp', '--graph', 'b.fbp'], /^msgflo: one graph at a time: 'a\.fbp' and --graph 'b\.fbp'$/],
    [['--graph', 'absent.fbp'], /^msgflo: cannot read the graph absent\.fbp: there is no such file$/],
    [['--graph', '.'], /^msgflo: cannot read the graph \.: it is a folder$/],
    [['--library', 'absent.json'], /^msgflo: .*absent\.json/],
  ];
  it('answers misuse with one line and exit code 2, and starts nothing', async () => {
    const all = await Promise.all(
      misuses.map(async ([args, words]) => [await project.run('msgflo', args), words] as const),
    );
    for (const [{ code, stdout, stderr }, words] of all) {
      expect(stderr.trimEnd()).to.match(words);
      expect({ code, stdout }, stderr).to.deep.equal({ code: 2, stdout: '' });
    }
    expect(await project.leftovers(0)).to.deep.equal([]);
  });
});
