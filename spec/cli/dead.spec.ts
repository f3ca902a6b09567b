import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { participant } from '../../src/participant/index.js';
import { HEADER } from '../../src/transport/index.js';
import { until } from '../participant/network.js';
import { BROKERS, DeadScene, lettersOf, taken } from './dead-scene.js';
import { unique } from './run-executable.js';

const FAST = ['--rate', 'max'];

/** Dies of what its messages say they are to die of. */
const fragile = participant({
  component: 'Fragile',
  inports: { in: {}, other: {} },
  process: ({ in: data }) => {
    if (data !== 'fine') throw new RangeError(`cannot take ${JSON.stringify(data)}`);
  },
});

describe('msgflo-dead', function () {
  this.timeout(45_000);
  let scene: DeadScene;
  before(async function () {
    this.timeout(90_000);
    scene = await DeadScene.open();
  });
  afterEach(() => scene.clean());
  after(() => scene.close());

  for (const name of BROKERS) {
    describe(`on ${name}`, () => {
      it('lists and shows what died at a role, as it is told and for programs, and changes nothing', async () => {
        const url = scene.url(name);
        const role = unique('worker');
        await scene.begin(url, role, fragile);
        const broker = await scene.client(url);
        const headers = { [HEADER.messageId]: unique('m'), colour: 'red' };
        const queue = `${role}.IN` as Parameters<typeof lettersOf>[1];
        await broker.send('inqueue', queue, { data: { n: 1 }, headers }, { mandatory: true });
        await until(async () => (await lettersOf(broker, queue)).length === 1);
        await broker.send('inqueue', queue, { data: Buffer.from([0xff, 0, 1]) }, { mandatory: true });
        await until(async () => (await lettersOf(broker, queue)).length === 2);

        const listed = await scene.look(url, 'list', '--role', role);
        expect(listed.code, listed.complaint).to.equal(0);
        expect(listed.lines).to.have.length(4);
        expect(listed.lines[0]).to.match(/^AGE +PORT +REASON +ERROR +ATTEMPTS +ID +SIZE +REDRIVEN$/);
        expect(listed.lines[1]).to.match(/^\ds +\S+\.in +cannot take \{"n":1\} +RangeError +1 +m\S+ +7 B$/);
        expect(listed.lines[1]).to.include(headers[HEADER.messageId]);
        expect(listed.lines[3]).to.equal('2 dead letters');

        const shown = await scene.look(url, 'show', '--role', role, '--port', 'IN', '--limit', '1');
        const text = shown.lines.join('\n');
        expect(text).to.match(
          /^\S+\.in m\S+\n {2}queue: +\S+\.IN\n {2}died: +\d{4}-\S+Z \(\ds ago\)\n {2}reason: +cannot take/,
        );
        expect(text).to.match(/ {2}error: +RangeError\n {2}participant: \S+\n {2}component: +Fragile\n {2}host: +\S+/);
        expect(text).to.match(/ {2}attempts: +1\n {4}\d{4}-\S+Z cannot take .*\n {2}stack:\n {4}.*at /);
        expect(text)
          .to.match(/ {4}colour: red\n/)
          .and.not.include('msgflo-dead-');
        expect(text).to.match(/ {2}payload \(7 bytes, JSON\):\n {4}\{\n {6}"n": 1\n {4}\}\n1 dead letter$/);
        const bytes = await scene.look(url, 'show', '--role', role, '--where', 'reason=Buffer');
        expect(bytes.lines.join('\n')).to.match(/payload \(3 bytes, as hex\):\n {4}ff 00 01\n1 dead letter$/);

        const json = await scene.look(url, 'list', '--role', role, '--json', '--body');
        const [first, second] = json.lines.map((line) => JSON.parse(line));
        expect(first).to.deep.include({
          queue,
          role,
          port: 'in',
          error: 'RangeError',
          redriven: 0,
          bytes: 7,
          data: { n: 1 },
        });
        expect(first.attempts[0].error).to.equal('cannot take {"n":1}');
        expect(first.headers).to.include(headers);
        expect(second.base64).to.equal(Buffer.from([0xff, 0, 1]).toString('base64'));
        expect(await lettersOf(broker, queue)).to.have.length(2);
      });

      it('lists what died while its participant is away, and touches of that only what is named', async () => {
        const url = scene.url(name);
        const [role, other] = [unique('worker'), unique('other')];
        const away = await scene.begin(url, role, fragile);
        const broker = await scene.client(url);
        const queue = `${role}.IN` as Parameters<typeof lettersOf>[1];
        await broker.send('inqueue', queue, { data: 'x' }, { mandatory: true });
        await until(async () => (await lettersOf(broker, queue)).length === 1);
        await away.stop({ graceMs: 0 });
        await scene.begin(url, other, fragile);

        const all = await scene.look(url, 'list', '--json');
        expect(all.code, all.complaint).to.equal(0);
        const found = all.lines.map((line): { role?: string } => JSON.parse(line));
        const tells = name !== 'AMQP'; // this one has no management plugin
        expect(found.some((letter) => letter.role === role)).to.equal(tells);
        if (!tells)
          expect(all.logged.join()).to.match(/^asked for: .*other.*; this broker does not tell of others: --role/);
        if (tells) {
          const ofRole = await scene.look(url, 'list', '--role', role);
          expect(ofRole.lines.at(-1)).to.equal('1 dead letter');
          const dropped = await scene.look(url, 'drop', '--where', `header.none=x`, '--dry-run');
          expect(dropped.logged.join())
            .to.match(/^left alone, .*\.IN.*--queue NAME/)
            .and.include(queue);
        }
        const named = await scene.look(url, 'list', '--role', role, '--port', 'in');
        expect(named.lines.at(-1), named.complaint).to.equal('1 dead letter');
        const gone = await scene.look(url, 'drop', '--role', role, '--port', 'in');
        expect(gone.lines.at(-1)).to.equal('dropped 1 dead letter');
      });

      it('sends those that are meant back as they were, counted, and leaves the others', async () => {
        const url = scene.url(name);
        const broker = await scene.client(url);
        const headers = (n: number) => ({
          [HEADER.messageId]: `m-${n}`,
          traceparent: '00-1-2-03',
          [HEADER.createdAt]: '1000',
        });
        const messages = [0, 1, 2, 3].map((n) => ({ data: Buffer.from(`{ "n" : ${n} }`), headers: headers(n) }));
        const queue = await scene.died(broker, messages, ({ headers }) =>
          headers[HEADER.messageId] === 'm-2' ? 'too big' : 'timed out',
        );
        const dry = await scene.look(url, 'redrive', '--queue', queue, '--where', 'reason=/^TIMED/i', '--dry-run');
        expect(dry.lines).to.deep.equal([
          ...[0, 1, 3].map((n) => `would send ${queue} m-${n}: timed out`),
          'would redrive 3 dead letters',
        ]);
        const got = await taken(broker, queue);
        const sent = await scene.look(url, 'redrive', '--queue', queue, '--where', 'reason=timed', ...FAST);
        expect(sent).to.deep.include({ code: 0, lines: ['redriven 3 dead letters'], complaint: '' });
        await until(() => got.length === 3);
        for (const [at, n] of [0, 1, 3].entries()) {
          expect(got[at]?.data).to.deep.equal({ n });
          expect(got[at]?.headers).to.deep.include({
            [HEADER.messageId]: `m-${n}`,
            [HEADER.redriven]: '1',
            [HEADER.firstCreatedAt]: '1000',
            traceparent: '00-1-2-03',
          });
          expect(Object.keys(got[at]?.headers ?? {}).filter((key) => key.startsWith('msgflo-dead'))).to.deep.equal([]);
          expect(Number(got[at]?.headers[HEADER.createdAt])).to.be.closeTo(Date.now(), 30_000);
        }
        const left = await lettersOf(broker, queue);
        expect(left.map(({ headers: of }) => of[HEADER.messageId])).to.deep.equal(['m-2']);
      });

      it('sends what it is given in place of the payload of one letter', async () => {
        const url = scene.url(name);
        const broker = await scene.client(url);
        const messages = ['a', 'b'].map((id) => ({ data: 'broken', headers: { [HEADER.messageId]: id } }));
        const queue = await scene.died(broker, messages);
        await writeFile(join(scene.dir, 'fixed.json'), '{\n  "fixed": true\n}\n');
        const several = await scene.look(url, 'redrive', '--queue', queue, '--edit', 'fixed.json');
        expect(several.code).to.equal(2);
        expect(several.complaint).to.equal(
          'msgflo-dead: --edit is for one letter, and 2 are meant: choose by --where id=..., or --limit 1\n',
        );
        const got = await taken(broker, queue);
        const one = await scene.look(url, 'redrive', '--queue', queue, '--edit', 'fixed.json', '--where', 'id=b');
        expect(one).to.deep.include({ code: 0, lines: ['redriven 1 dead letter'] });
        await until(() => got.length === 1);
        expect(got[0]).to.deep.include({ data: { fixed: true } });
        expect(got[0]?.headers[HEADER.messageId]).to.equal('b');
      });

      it('drops those that are meant, says which, and only with --all everything', async () => {
        const url = scene.url(name);
        const broker = await scene.client(url);
        const messages = ['a', 'b', 'c'].map((id) => ({
          data: id,
          headers: { [HEADER.messageId]: id, shape: `x${id}` },
        }));
        const queue = await scene.died(broker, messages);
        const where = ['--where', 'header.shape=/x[ab]/', '--where', 'reason=broken'];
        const dry = await scene.look(url, 'drop', '--queue', queue, '--dry-run', ...where);
        expect(dry.lines.at(-1)).to.equal('would drop 2 dead letters');
        const dropped = await scene.look(url, 'drop', '--queue', queue, ...where);
        expect(dropped).to.deep.include({
          code: 0,
          lines: [`dropped ${queue} a: it is broken`, `dropped ${queue} b: it is broken`, 'dropped 2 dead letters'],
        });
        expect((await lettersOf(broker, queue)).map(({ headers }) => headers[HEADER.messageId])).to.deep.equal(['c']);
        const none = await scene.look(url, 'drop');
        expect(none.code).to.equal(2);
        expect(none.complaint).to.match(/^msgflo-dead: say which to drop: .* or --all for everything\n$/);
      });

      it('sends no more when the canary dies again of the same, and all when it does not', async () => {
        const url = scene.url(name);
        const role = unique('worker');
        const queue = `${role}.IN` as Parameters<typeof lettersOf>[1];
        await scene.begin(url, role, fragile);
        const broker = await scene.client(url);
        for (let n = 0; n < 4; n += 1) await broker.send('inqueue', queue, { data: 'bad' }, { mandatory: true });
        await until(async () => (await lettersOf(broker, queue)).length === 4);
        const canary = ['redrive', '--role', role, '--canary', '1', ...FAST];
        const stopped = await scene.look(url, ...canary);
        expect(stopped.code).to.equal(1);
        expect(stopped.lines).to.deep.equal(['redriven 1 dead letter']);
        expect(stopped.complaint).to.match(
          /^msgflo-dead: canary of \S+\.in: \S+ died again, of the same: cannot take "bad"; the rest is not sent\n$/,
        );
        await until(async () => (await lettersOf(broker, queue)).length === 4);
        const letters = await lettersOf(broker, queue);
        expect(letters.map(({ headers }) => headers[HEADER.redriven] ?? '0')).to.have.members(['1', '0', '0', '0']);

        await writeFile(join(scene.dir, 'fine.json'), '"fine"');
        const fixed = await scene.look(url, ...canary, '--limit', '1', '--edit', 'fine.json');
        expect(fixed).to.deep.include({ code: 0, lines: ['redriven 1 dead letter'] });
        expect(fixed.logged.join('\n')).to.match(/canary of \S+\.in: settled within \S+ m?s, .* no death seen/);
        expect(await lettersOf(broker, queue)).to.have.length(3);
      });
    });
  }

  it('ends after the letter in hand when interrupted, and prints the sum', async () => {
    const url = scene.url('the embedded broker');
    const broker = await scene.client(url);
    const queue = await scene.died(
      broker,
      [1, 2, 3, 4].map((data) => ({ data })),
    );
    const got = await taken(broker, queue);
    const one = scene.run(url, ['redrive', '--queue', queue, '--rate', '1/m']);
    await until(() => got.length === 1);
    one.interrupt();
    expect(await one.ended).to.equal(1);
    expect(one.printed).to.deep.equal(['interrupted: redriven 1 dead letter; the rest stays']);
    expect(one.complaint()).to.equal('');
    expect(await lettersOf(broker, queue)).to.have.length(3);
  });

  it('says that it has seen no death where nobody counts, and sends the rest', async () => {
    const url = scene.url('the embedded broker');
    const broker = await scene.client(url);
    const queue = await scene.died(
      broker,
      [1, 2].map((data) => ({ data })),
    );
    const got = await taken(broker, queue);
    const went = await scene.look(url, 'redrive', '--queue', queue, '--canary', '1', '--canary-wait', '200ms');
    expect(went).to.deep.include({ code: 0, lines: ['redriven 2 dead letters'] });
    expect(went.logged).to.deep.equal([`canary of ${queue}: no death seen in 200 ms`]);
    await until(() => got.length === 2);
  });

  it('sends the rest when the canary dies of something else, and says so', async () => {
    const url = scene.url('the embedded broker');
    const broker = await scene.client(url);
    const queue = await scene.died(
      broker,
      [1, 2].map((data) => ({ data })),
    );
    await broker.consume(queue, async () => ({ verdict: { deadLetter: 'other' }, outputs: [] }));
    const went = await scene.look(url, 'redrive', '--queue', queue, '--canary', '1', ...FAST);
    expect(went).to.deep.include({ code: 0, lines: ['redriven 2 dead letters'] });
    expect(went.logged[0]).to.match(/^canary of \S+: \S+ died again, of something else: other$/);
    await until(async () => (await lettersOf(broker, queue)).length === 2);
  });

  it('waits for room in a full queue, and when it is interrupted there, the letter stays and is told', async () => {
    const url = scene.url('the embedded broker');
    const broker = await scene.client(url);
    const queue = await scene.died(
      broker,
      [1, 2].map((data) => ({ data })),
      undefined,
      { maxLength: 1 },
    );
    const begun = async (): Promise<number> => {
      const dir = join(scene.dir, '.msgflo');
      const files = (await readdir(dir).catch(() => [])).filter((name) => name.startsWith('redrive-'));
      const texts = await Promise.all(files.map((name) => readFile(join(dir, name), 'utf8')));
      return texts.join('').match(/\{/g)?.length ?? 0;
    };
    const one = scene.run(url, ['redrive', '--queue', queue, ...FAST]);
    await until(async () => (await begun()) === 2);
    one.interrupt();
    expect(await one.ended).to.equal(1);
    expect(one.printed).to.deep.equal(['interrupted: redriven 1 dead letter; the rest stays']);
    expect(one.logged[0]).to.match(/^\S+ may have been sent: the broker has not confirmed it; its letter stays$/);
    const got = await taken(broker, queue);
    await until(() => got.length > 0);
    expect((await lettersOf(broker, queue)).length).to.equal(1);
    const told = await scene.look(url, 'redrive', '--queue', queue, ...FAST);
    expect(told.lines.at(-1)).to.match(/^redriven 0 dead letters; left 1 dead letter that may have been sent/);
  });

  it('is interrupted soon where RabbitMQ has no room', async () => {
    const url = scene.url('AMQP');
    const broker = await scene.client(url);
    const letters = [1, 2].map((data) => ({ data }));
    const queue = await scene.died(broker, letters, undefined, { maxLength: 1 });
    const one = scene.run(url, ['redrive', '--queue', queue, ...FAST]);
    await until(() => one.logged.some((line) => line.startsWith('queue full')));
    one.interrupt();
    const sinceMs = performance.now();
    expect(await one.ended).to.equal(1);
    expect(performance.now() - sinceMs).to.be.below(4000);
    expect((await lettersOf(broker, queue)).length).to.equal(1);
  });

  it('stops where no queue takes what is sent back: the letters stay, and nothing is unsure', async () => {
    const url = scene.url('AMQP');
    const owner = await scene.client(url);
    const broker = await scene.client(url);
    const queue = await scene.died(owner, [{ data: 1 }, { data: 2 }], undefined, { persistent: false });
    await owner.close();
    for (let run = 0; run < 2; run += 1) {
      const stopped = await scene.look(url, 'redrive', '--queue', queue, ...FAST);
      expect(stopped).to.deep.include({ code: 1, lines: ['redriven 0 dead letters'], logged: [] });
      expect(stopped.complaint).to.equal(
        `msgflo-dead: '${queue}' does not take what is sent back: no queue takes it; the dead letters stay\n`,
      );
    }
    expect(await lettersOf(broker, queue)).to.have.length(2);
  });

  it('shows whatever a payload is, and lets none of it move the cursor of a terminal', async () => {
    const url = scene.url('the embedded broker');
    const broker = await scene.client(url);
    const deep = Buffer.from('['.repeat(50_000) + ']'.repeat(50_000));
    const odd = 'a \u001b[2J \u009b2J \u202e b \u2028';
    const headers = { [HEADER.messageId]: odd, note: odd };
    const queue = await scene.died(
      broker,
      [{ data: deep }, { data: odd, headers }, { data: Buffer.from(odd) }],
      () => odd,
    );
    for (const [action, ...args] of [['list'], ['show'], ['list', '--json', '--body'], ['show', '--json'], ['drop']]) {
      const { code, lines, complaint } = await scene.look(url, action ?? '', '--queue', queue, ...args);
      expect(code, complaint).to.equal(0);
      expect(lines.join('')).to.not.match(/[\p{Cc}\p{Bidi_Control}\u2028]/u);
      if (!args.includes('--json')) continue;
      const [first, second] = lines.map((line): { base64?: string; data?: unknown } => JSON.parse(line));
      expect(Buffer.from(first?.base64 ?? '', 'base64').equals(deep)).to.equal(true);
      expect(second?.data).to.equal(odd);
    }
  });

  it('shows those that RabbitMQ made itself with what is known of them', async () => {
    const url = scene.url('AMQP');
    const broker = await scene.client(url);
    const queue = `${unique('q')}` as Parameters<typeof lettersOf>[1];
    await broker.declare('inqueue', queue, { ttlMs: 50 });
    await broker.send('inqueue', queue, { data: 'late' }, { mandatory: true });
    await until(async () => (await lettersOf(broker, queue)).length === 1);
    const { lines } = await scene.look(url, 'list', '--queue', queue);
    expect(lines[1]).to.match(/^\ds +\S+ +expired +\? +\S+ +6 B$/);
  });

  it('says that it hears of nobody, and knows ports in any case', async () => {
    const url = scene.url('the embedded broker');
    const role = unique('worker');
    const nobody = await scene.look(url, 'list', '--role', role);
    expect(nobody.complaint).to.match(/^msgflo-dead: nobody has announced the role 'worker\w+'; --role R --port P/);
    expect(nobody.code).to.equal(1);
    await scene.begin(url, role, fragile);
    const none = await scene.look(url, 'list', '--role', role, '--port', 'OTHER');
    expect(none).to.deep.include({ code: 0, lines: ['no dead letters'] });
    const wrong = await scene.look(url, 'list', '--role', role, '--port', 'nosuch');
    expect(wrong.complaint).to.equal(`msgflo-dead: role '${role}' has no inport 'nosuch'; it has: in, other\n`);
  });

  it('answers misuse with one line each', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /^msgflo-dead: missing required argument 'action'/],
      [['bury'], /^msgflo-dead: 'bury' is none of list, show, redrive, drop$/],
      [['list', '--rate', '3'], /^msgflo-dead: --rate is for redrive, not for list$/],
      [['list', '--body'], /^msgflo-dead: --body goes with --json/],
      [['show', '--dry-run'], /^msgflo-dead: --dry-run is for redrive and drop, not for show$/],
      [
        ['redrive', '--rate', 'fast'],
        /^msgflo-dead: --rate is so many a second such as 20\/s, or 0 or max, not 'fast'$/,
      ],
      [['redrive', '--canary-wait', 'x'], /^msgflo-dead: --canary-wait is a duration/],
      [['redrive', '--unsure', 'x'], /^msgflo-dead: .*choices are skip, send, drop/],
      [['redrive', '--edit', 'absent.json'], /^msgflo-dead: --edit \S+absent\.json: there is no such file$/],
      [['list', '--limit', '0'], /^msgflo-dead: --limit is a whole number from 1, not '0'$/],
      [
        ['list', '--where', 'colour=red'],
        /^msgflo-dead: --where is FIELD=TEXT with a field reason, .*, not 'colour=red'$/,
      ],
      [['list', '--where', 'reason=/(/'], /^msgflo-dead: --where has a regular expression that cannot be read/],
      [['list', '--where', 'reason='], /^msgflo-dead: --where has no text/],
      [['list', '--queue', 'q', '--role', 'r'], /^msgflo-dead: --queue names an inqueue by itself/],
    ];
    for (const [args, words] of cases) {
      const { code, lines, complaint } = await scene.look('log:///nowhere?start=false', ...args);
      expect({ code, lines }, args.join(' ')).to.deep.equal({ code: 2, lines: [] });
      expect(complaint.replace(/\n$/, '')).to.match(words).and.not.include('\n');
    }
  });
});
