import { parseArgs } from 'node:util';
import { tableOf } from './figures.js';
import { runChaos, trailOf } from './run-chaos.js';
import type { BrokerName } from './servers.js';

const USAGE = `usage: npm run chaos -- [--broker name] [--seconds 60] [--seed n] [--rate 200] [--json]

A flow of three stages under load while something is killed or cut off every second. Exits with 1 when something that was
promised did not hold. A seed repeats the order of the faults, not their very moments.

--broker, also several times (without: log, amqp, mqtt):
  log             the embedded broker, killed with SIGKILL
  amqp            RabbitMQ, killed with SIGKILL
  amqp-quorum     the same with quorum queues
  mqtt            Mosquitto, stopped with SIGTERM
  mqtt-killed     Mosquitto, killed with SIGKILL, writing at every second change; what is lost is a figure, not a failure
  mqtt-killed-1s  the same, writing once a second
`;

const BROKERS: readonly BrokerName[] = ['log', 'amqp', 'amqp-quorum', 'mqtt', 'mqtt-killed', 'mqtt-killed-1s'];

interface Options {
  readonly brokers: readonly BrokerName[];
  readonly seconds: number;
  readonly rate: number;
  readonly seed: number;
  readonly isJson: boolean;
  readonly isHelp: boolean;
}

/** @throws {Error} in words for who called it wrongly */
function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      broker: { type: 'string', multiple: true, default: ['log', 'amqp', 'mqtt'] },
      seconds: { type: 'string', default: '60' },
      rate: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const brokers = values.broker.map((name) => {
    const known = BROKERS.find((broker) => broker === name);
    if (!known) throw new Error(`--broker is one of ${BROKERS.join(', ')}, not '${name}'`);
    return known;
  });
  const number = (name: 'seconds' | 'rate' | 'seed', least: number, most: number): number => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new Error(`--${name} is a whole number from ${least} to ${most}, not '${values[name]}'`);
  };
  return {
    brokers,
    seconds: number('seconds', 1, 3600),
    rate: number('rate', 1, 1000),
    seed: number('seed', 0, 2 ** 32 - 1),
    isJson: values.json,
    isHelp: values.help,
  };
}

async function main(argv: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(argv);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return 2;
  }
  const { brokers, isJson, isHelp, ...run } = options;
  if (isHelp) {
    process.stdout.write(USAGE);
    return 0;
  }
  let isFaulty = false;
  for (const broker of brokers) {
    process.stderr.write(`${broker}, seed ${run.seed}\n`);
    const progress = (line: string): void => void process.stderr.write(`${line}\n`);
    const report = await runChaos({ ...run, broker, progress });
    process.stdout.write(isJson ? `${JSON.stringify(report)}\n` : tableOf(report));
    for (const fault of report.faulty) process.stderr.write(`BROKEN: ${fault}\n`);
    if (report.folder) {
      for (const line of trailOf(report.folder, report.lost).slice(0, 20)) process.stderr.write(`lost: ${line}\n`);
      process.stderr.write(`ledgers, trails and output are kept in ${report.folder}\n`);
    }
    isFaulty ||= report.faulty.length > 0;
  }
  return isFaulty ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
