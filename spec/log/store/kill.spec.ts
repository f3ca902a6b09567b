import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { buildSync } from 'esbuild';
import { filesOf, storeFolder } from './support.js';

/** `MSGFLO_KILLS=200` for the long run. */
const KILLS = Number(process.env['MSGFLO_KILLS'] ?? 40);
const KILLS_COMPACTING = Math.ceil(KILLS / 2);

interface Answered {
  readonly lane: number;
  readonly name: string;
  readonly count: number;
  readonly timestampMs: number;
  readonly sequences: readonly number[];
}

interface Found {
  readonly found: { readonly left: readonly string[]; readonly right: readonly string[] };
  readonly facts: readonly (readonly [string, string])[];
}

describe('log store under kill -9', () => {
  const folder = storeFolder();
  let child: ChildProcess | undefined;
  afterEach(() => void child?.kill('SIGKILL'));

  it(`keeps whole what it answered, ${KILLS} times in a row`, async function () {
    this.timeout(20_000 + KILLS * 1000);
    const { found } = await killed(KILLS, 'drop');
    expect(sequenceOf(found.left[0])).to.be.above(0);
    expect(filesOf(folder.path(), 'seg')[0]).not.to.equal('0000000000000000.seg');
  });

  it(`does so while it compacts, ${KILLS_COMPACTING} times in a row`, async function () {
    this.timeout(20_000 + KILLS_COMPACTING * 1000);
    const { found, compacted } = await killed(KILLS_COMPACTING, 'compact');
    expect(compacted).to.be.above(KILLS_COMPACTING);
    expect(sequenceOf(found.right[0])).to.equal(0);
  });

  /** @returns what the last one found, and how often segments were compacted */
  async function killed(kills: number, mode: string): Promise<{ found: Found['found']; compacted: number }> {
    let compacted = 0;
    const program = join(folder.path(), 'committer.mjs');
    bundle(program);
    const known = new Map<string, Answered>();
    let before: Found['found'] = { left: [], right: [] };
    for (let round = 0; round <= kills; round++) {
      const answered: Answered[] = [];
      const one = spawn(process.execPath, [program, folder.path(), String(round), mode], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child = one;
      const closed = once(one, 'close');
      const lines = createInterface({ input: one.stdout });
      let state: Found | undefined;
      const killAfter = 1 + ((round * 37) % 300);
      for await (const line of lines) {
        const said: unknown = JSON.parse(line);
        if (isFound(said)) state = said;
        else if (isAnswered(said)) answered.push(said);
        else if (isCompacted(said)) compacted += 1;
        if (answered.length === killAfter) one.kill('SIGKILL');
      }
      await closed;
      if (!state) throw new Error(`round ${round} ended before it had read the log`);
      check(state, before, known);
      before = state.found;
      known.clear();
      for (const commit of answered) known.set(commit.name, commit);
    }
    return { found: before, compacted };
  }
});

/** One file, so that a process is there in a few milliseconds. */
function bundle(outfile: string): void {
  buildSync({
    entryPoints: [join(import.meta.dirname, 'fixtures/committer.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
}

/** What was there is there still, what was answered since is there, and batches are whole. */
function check({ found, facts }: Found, before: Found['found'], answered: ReadonlyMap<string, Answered>): void {
  for (const topic of ['left', 'right'] as const) {
    const records = found[topic];
    const dropped = records.length > 0 ? sequenceOf(records[0]) - sequenceOf(before[topic][0]) : 0;
    expect(dropped).to.be.at.least(0);
    const kept = before[topic].slice(dropped);
    expect(records.slice(0, kept.length)).to.deep.equal(kept);
    let lastMs = 0;
    for (const [at, record] of records.entries()) {
      const [sequence, timestampMs] = record.split(' ').map(Number);
      if (sequence !== at + sequenceOf(records[0]) || (timestampMs ?? 0) < lastMs)
        throw new Error(`${topic} has '${record}' at ${at}`);
      lastMs = timestampMs ?? 0;
    }
  }
  const newOf = (topic: 'left' | 'right'): readonly string[] =>
    found[topic].filter((record) => sequenceOf(record) > sequenceOf(before[topic].at(-1) ?? '-1'));
  const parts = (topic: 'left' | 'right'): string[] => newOf(topic).map(bodyOf);
  expect(parts('left')).to.deep.equal(parts('right'));
  const whole = new Map<string, number>();
  for (const part of parts('left')) {
    const [name = '', place = ''] = part.split(' ');
    const [number, count] = place.split('/').map(Number);
    expect(number).to.equal((whole.get(name) ?? 0) + 1);
    whole.set(name, number ?? 0);
    if (number === count) whole.set(name, Number.POSITIVE_INFINITY);
  }
  expect([...whole].filter(([, number]) => number !== Number.POSITIVE_INFINITY)).to.deep.equal([]);
  for (const { name, timestampMs, sequences, count } of answered.values())
    for (const [at, sequence] of sequences.entries()) {
      const topic = at < count ? 'left' : 'right';
      expect(found[topic][sequence - sequenceOf(found[topic][0])]).to.equal(
        `${sequence} ${timestampMs} ${name} ${(at % count) + 1}/${count}`,
      );
    }
  const lastOfLane = new Map([...answered.values()].map(({ lane, name }) => [`lane/${lane}`, name]));
  for (const [key, value] of facts) {
    const last = lastOfLane.get(key);
    if (last !== undefined) expect(numberOf(value)).to.be.at.least(numberOf(last));
  }
  expect([...lastOfLane.keys()].filter((key) => !facts.some(([known]) => known === key))).to.deep.equal([]);
}

function sequenceOf(record: string | undefined): number {
  return record === undefined ? 0 : Number(record.split(' ')[0]);
}

function bodyOf(record: string): string {
  return record.split(' ').slice(2).join(' ');
}

function numberOf(name: string): number {
  return Number(name.split('.')[1]);
}

function isFound(said: unknown): said is Found {
  return typeof said === 'object' && said !== null && 'found' in said;
}

function isCompacted(said: unknown): said is { readonly compacted: number } {
  return typeof said === 'object' && said !== null && 'compacted' in said;
}

function isAnswered(said: unknown): said is Answered {
  return typeof said === 'object' && said !== null && 'sequences' in said;
}
