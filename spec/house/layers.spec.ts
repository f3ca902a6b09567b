import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect } from 'chai';

const SRC = resolve(import.meta.dirname, '../../src');

/** Folders by level: each imports from lower numbers only, and through the other's index.ts. */
const LEVELS: Readonly<Record<string, number>> = {
  'names.ts': -1,
  'errors.ts': -1,
  support: 0,
  graph: 1,
  discovery: 1,
  deploy: 2,
  engine: 2.5,
  'graph-file': 2,
  log: 2,
  library: 2,
  process: 2,
  transport: 2,
  'transport/amqp': 3,
  'transport/direct': 3,
  'transport/log': 3,
  'transport/mqtt': 3,
  'transport/builtin': 4,
  embedded: 4,
  participant: 4,
  coordinator: 4,
  protocol: 5,
  runtime: 6,
  server: 6,
  cli: 7,
  'index.ts': 7,
};

/** Pure folders import nothing but pure folders and the small things below them. */
const PURE = ['graph', 'discovery', 'deploy'];

function unitOf(file: string): string {
  const [first = '', second = ''] = relative(SRC, file).split('/');
  const nested = `${first}/${second}`;
  return nested in LEVELS ? nested : first;
}

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly target: string;
}

function imports(): Import[] {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return files.flatMap((name) => {
    const file = join(SRC, name);
    const found = readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g);
    return [...found].map(([, path = '']) => {
      const target = resolve(dirname(file), path).replace(/\.js$/, '.ts');
      return { file: name, from: unitOf(file), to: unitOf(target), target };
    });
  });
}

describe('import directions', () => {
  const crossing = imports().filter(({ from, to }) => from !== to && to !== '..');

  it('know the level of every folder', () => {
    const unknown = new Set(
      imports()
        .flatMap(({ from, to }) => [from, to])
        .filter((unit) => !(unit in LEVELS)),
    );
    expect([...unknown].filter((unit) => unit !== '..')).to.deep.equal([]);
  });

  it('point from the door to the core', () => {
    const upward = crossing.filter(({ from, to }) => (LEVELS[from] ?? 0) <= (LEVELS[to] ?? 0));
    expect(upward.map(({ file, to }) => `${file} imports ${to}`)).to.deep.equal([]);
  });

  it("go through the other folder's index", () => {
    const past = crossing.filter(({ to, target }) => !to.endsWith('.ts') && !target.endsWith('/index.ts'));
    expect(past.map(({ file, target }) => `${file} imports ${relative(SRC, target)}`)).to.deep.equal([]);
  });

  it('keep pure folders pure', () => {
    const impure = crossing.filter(
      ({ from, to }) => PURE.includes(from) && ![...PURE, 'names.ts', 'errors.ts', 'support'].includes(to),
    );
    expect(impure.map(({ file, to }) => `${file} imports ${to}`)).to.deep.equal([]);
  });
});
