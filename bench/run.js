/**
 * `npm run bench -- [names] [--quick] [--json]`: figures as ratios within one run. Never part of the specs:
 * machines and what else they do differ. Exit code 1 when a target was missed.
 */
import { parseArgs } from 'node:util';
import { chainAmqp, chainLog, chainMqtt, chainOldAmqp, chainOldMqtt, latencyAmqp, latencyMqtt } from './chain.js';
import { coordinator } from './coordinator.js';
import { editing } from './editing.js';
import { fanOut } from './fan-out.js';
import { graphLoad } from './graph-load.js';
import { logClient } from './log-client.js';
import { logEngine } from './log-engine.js';
import { logFlat } from './log-flat.js';
import { startMany } from './start-many.js';
import { startUp } from './start-up.js';
import { formatTable } from './support/table.js';

/**
 * One line of the report. `ratio` is ours to the peer's, or whatever `what` says.
 * @typedef {object} Row
 * @property {string} what
 * @property {number} ours
 * @property {number} [peer]
 * @property {number} [ratio]
 * @property {string} [target]
 * @property {boolean} [met]
 *
 * @typedef {(options: { quick: boolean }) => Promise<Row[]>} Bench
 */

/** @type {Readonly<Record<string, Bench>>} */
const BENCHES = {
  'chain-amqp': chainAmqp,
  'chain-mqtt': chainMqtt,
  'chain-log': chainLog,
  'chain-old-amqp': chainOldAmqp,
  'chain-old-mqtt': chainOldMqtt,
  coordinator,
  editing,
  'fan-out': fanOut,
  'graph-load': graphLoad,
  'latency-amqp': latencyAmqp,
  'latency-mqtt': latencyMqtt,
  'log-client': logClient,
  'log-engine': logEngine,
  'log-flat': logFlat,
  'start-many': startMany,
  'start-up': startUp,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
});
const unknown = positionals.find((name) => BENCHES[name] === undefined);
if (unknown === undefined) process.exitCode = await run(positionals);
else {
  process.stderr.write(`there is no bench '${unknown}'; there are: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exitCode = 2;
}

/** @param {readonly string[]} names @returns {Promise<number>} the exit code */
async function run(names) {
  /** @type {Row[]} */
  const rows = [];
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (names.length > 0 && !names.includes(name)) continue;
    process.stderr.write(`${name} ...\n`);
    rows.push(...(await bench({ quick: values.quick })));
  }
  process.stdout.write(values.json ? `${JSON.stringify(rows, undefined, 2)}\n` : formatTable(rows));
  return rows.some(({ met }) => met === false) ? 1 : 0;
}
