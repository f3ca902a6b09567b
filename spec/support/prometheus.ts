/** One line of the text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly help?: string;
  type?: string;
  readonly samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

/** The text format of Prometheus, version 0.0.4, read strictly: it throws at the first line that breaks a rule. */
export class Exposition {
  readonly families = new Map<string, Family>();

  constructor(text: string) {
    if (!text.endsWith('\n')) throw new Error('the last line does not end with a line feed');
    let current: Family | undefined;
    const seen = new Set<string>();
    for (const line of text.slice(0, -1).split('\n')) {
      if (line === '') continue;
      if (line.startsWith('#')) {
        current = this.#comment(line, current);
        continue;
      }
      const sample = sampleOf(line);
      if (!current || !belongs(sample.name, current)) throw new Error(`outside of its family: ${line}`);
      const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
      if (seen.has(key)) throw new Error(`twice: ${line}`);
      seen.add(key);
      current.samples.push(sample);
    }
    for (const family of this.families.values()) check(family);
  }

  /** The value of the one sample with these labels; undefined if there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const all = [...this.families.values()].flatMap(({ samples }) => samples).filter((one) => one.name === name);
    const found = all.filter((one) => Object.entries(labels).every(([label, value]) => one.labels[label] === value));
    if (found.length > 1) throw new Error(`${name} ${JSON.stringify(labels)}: ${found.length} samples`);
    return found[0]?.value;
  }

  #comment(line: string, current: Family | undefined): Family | undefined {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === undefined || NAME.exec(name)?.[0] !== name) throw new Error(`not a comment of ours: ${line}`);
    if (kind === 'HELP') {
      if (this.families.has(name)) throw new Error(`a family twice: ${line}`);
      const family: Family = { name, help: rest, samples: [] };
      this.families.set(name, family);
      return family;
    }
    if (!current || current.name !== name || current.type !== undefined || current.samples.length > 0) {
      throw new Error(`TYPE out of place: ${line}`);
    }
    if (!TYPES.includes(rest)) throw new Error(`no such type: ${line}`);
    current.type = rest;
    return current;
  }
}

function belongs(name: string, { name: family, type }: Family): boolean {
  if (type === 'histogram') return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name);
  return name === family;
}

function sampleOf(line: string): Sample {
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw new Error(`no name: ${line}`);
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    while (!rest.startsWith('}')) {
      const [all, label = '', text = '', end] =
        /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|(?=\}))/.exec(rest) ?? [];
      if (all === undefined || label in labels) throw new Error(`wrong labels: ${line}`);
      labels[label] = text.replace(/\\(.)/g, (_, one) => (one === 'n' ? '\n' : one));
      rest = rest.slice(all.length);
      if (end === ',' && rest.startsWith('}')) throw new Error(`a comma too many: ${line}`);
    }
    rest = rest.slice(1);
  }
  const [, value] = /^ (-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/.exec(rest) ?? [];
  if (value === undefined) throw new Error(`no value: ${line}`);
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) };
}

function check({ name, help, type, samples }: Family): void {
  if (!help || type === undefined) throw new Error(`${name} has no HELP or no TYPE`);
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`the counter ${name} does not end with _total`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} is below zero`);
  if (type !== 'histogram') return;
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _le, ...rest } = sample.labels;
    const key = JSON.stringify(Object.entries(rest).sort());
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [key, all] of series) {
    const buckets = all.filter((one) => one.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels['le']?.replace('Inf', 'Infinity')));
    const counts = buckets.map(({ value }) => value);
    const count = all.find((one) => one.name === `${name}_count`)?.value;
    const isRising = (values: readonly number[]): boolean =>
      values.every((value, at) => at === 0 || value >= (values[at - 1] ?? 0));
    if (!isRising(bounds) || !isRising(counts)) throw new Error(`${name} ${key}: buckets do not rise`);
    if (bounds.at(-1) !== Infinity || counts.at(-1) !== count) throw new Error(`${name} ${key}: no bucket of all`);
    if (all.filter((one) => one.name === `${name}_sum`).length !== 1) throw new Error(`${name} ${key}: no sum`);
  }
}
