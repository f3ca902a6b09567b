import { rename, writeFile } from 'node:fs/promises';
import { participant } from 'msgflo';

/** How long after the last message an incomplete report is shown again, in ms. */
const QUIET_MS = 2000;

/**
 * Rows and dead letters are kept by path: what is delivered twice counts once.
 * @typedef {{ path: string, name: string, license: string, kind: string }} Row
 * @typedef {{ path: string, reason: string }} Dead
 */
class Report {
  /** @type {Map<string, Row>} */
  rows = new Map();
  /** @type {Map<string, Dead>} */
  dead = new Map();
  /** @type {Map<string, number>} */
  counts = new Map();
  file = '';
  shown = '';
  progress = 0;
  /** @type {NodeJS.Timeout | undefined} */
  timer;

  /** @param {Readonly<Record<string, unknown>>} row */
  add({ path, name, license, kind }) {
    this.rows.set(String(path), {
      path: String(path),
      name: String(name ?? ''),
      license: String(license),
      kind: String(kind),
    });
  }

  get listed() {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  get seen() {
    return this.rows.size + this.dead.size;
  }

  get isComplete() {
    return this.counts.size > 0 && this.seen === this.listed;
  }

  /** @returns {string} */
  table() {
    const groups = new Map();
    for (const { license, kind } of this.rows.values()) {
      const group = groups.get(license) ?? { license, kind, packages: 0 };
      group.packages += 1;
      groups.set(license, group);
    }
    const sorted = [...groups.values()].sort((a, b) => b.packages - a.packages || (a.license < b.license ? -1 : 1));
    const width = Math.max(7, ...sorted.map(({ license }) => license.length));
    return [
      `${'licence'.padEnd(width)}  packages  kind`,
      ...sorted.map(
        ({ license, kind, packages }) => `${license.padEnd(width)}  ${String(packages).padStart(8)}  ${kind}`,
      ),
      ...[...this.dead.values()].map(({ path, reason }) => `dead letter: ${path}: ${reason}`),
      this.verdict(),
    ].join('\n');
  }

  verdict() {
    const sum = `${this.rows.size} rows + ${this.dead.size} dead letters`;
    return this.isComplete
      ? `report complete: ${sum} = ${this.listed} listed`
      : `report incomplete: ${sum}, ${this.listed} listed`;
  }

  /** Shows the report once it is complete, or when nothing has come for a while. */
  async changed() {
    clearTimeout(this.timer);
    if (this.isComplete) {
      await this.show();
      return;
    }
    if (this.seen >= this.progress + 100) {
      this.progress = this.seen;
      process.stdout.write(`${this.seen} of ${this.listed || '?'} manifests\n`);
    }
    this.timer = setTimeout(() => void this.show(), QUIET_MS);
  }

  async show() {
    const table = this.table();
    if (table === this.shown) return;
    this.shown = table;
    process.stdout.write(`${table}\n`);
    if (this.file === '') return;
    const { rows, dead, listed, isComplete } = this;
    const json = { isComplete, listed, rows: [...rows.values()], deadLetters: [...dead.values()] };
    await writeFile(`${this.file}.part`, `${JSON.stringify(json, null, 2)}\n`);
    await rename(`${this.file}.part`, this.file);
    process.stdout.write(`as JSON: ${this.file}\n`);
  }
}

export default participant({
  component: 'LicenseReport',
  label: 'Collects rows and dead letters, and reports when all that was listed has come',
  icon: 'table',
  inports: {
    row: { type: 'object' },
    dead: { type: 'string', description: 'path of a manifest that could not be read; the reason is in the headers' },
    count: { type: 'object', description: 'how many to expect of each list' },
    file: { type: 'string', description: 'where to write the report as JSON' },
  },
  prefetch: 50,
  concurrency: 1,
  setup: () => new Report(),
  async process({ row, dead, count, file }, { state: report, headers }) {
    if (row !== undefined) report.add(row);
    if (dead !== undefined) {
      report.dead.set(dead, { path: dead, reason: headers['msgflo-dead-reason'] ?? 'no reason given' });
    }
    if (count !== undefined) report.counts.set(String(count.of), Number(count.count));
    if (file !== undefined) report.file = file;
    await report.changed();
  },
  teardown: ({ state: report }) => clearTimeout(report.timer),
});
