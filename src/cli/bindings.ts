import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { DiscoveryFeed } from '../coordinator/index.js';
import { LAPSE_MS } from '../discovery/index.js';
import { MsgfloError } from '../errors.js';
import type { Broker } from '../transport/index.js';
import { compareBindings } from './binding-drift.js';
import type { BindingRow, BindingsReport, Seen } from './bindings-report.js';
import { bindingsTable } from './bindings-table.js';
import { brokerOption, joinBroker, managementOf, managementOption, ONE_SHOT_CONNECT_MS, withBroker } from './broker.js';
import { booleanOption, type CliContext, command, secondsOption } from './command.js';
import { loadGraph } from './project.js';

interface Options {
  readonly broker?: string;
  readonly management: string;
  readonly json: boolean;
  readonly wait: number;
}

/** What is bound is not what the graph wants, or it cannot be told. */
class DriftError extends MsgfloError {
  readonly code = 'MSGFLO_DRIFT';
}

/** The retained notice by which a router says that it is at work (docs/wire.md). */
const ROUTER_NOTICE = 'msgflo/router';

const HELP = `
Changes nothing at the broker. States: bound; missing: the graph wants it, and it is not there; unknown: the
graph wants it, and it cannot be told; left-over: between roles of the graph, which does not want it;
foreign: of others. Participants of older libraries announce themselves every half minute: --wait 30.

Exit code 0: bound as the graph wants (foreign bindings do no harm); 1: something is missing, left over or
cannot be told, or the broker cannot be reached; 2: a flag or file is wrong.
RabbitMQ tells what is bound through its management plugin only (rabbitmq-plugins enable rabbitmq_management).

Example:
  msgflo-bindings main.fbp --broker amqp://host || msgflo-setup main.fbp --broker amqp://host`;

/** `msgflo-bindings`: what is bound at a broker, beside what a graph wants. */
export function bindings(context: CliContext): Command {
  return command('msgflo-bindings', 'Show what is bound at the broker, and how it differs from what a graph wants')
    .argument('[graph]', '.fbp or .json (without: what is bound, and who is there)')
    .addOption(brokerOption())
    .addOption(managementOption())
    .addOption(booleanOption('--json', 'print one JSON object {"bindings": [], "unconnected": [], "foreign": [], ...}'))
    .addOption(secondsOption('--wait <seconds>', 'how long to listen for participants after calling the roll', 2))
    .addHelpText('after', HELP)
    .action(async (path: string | undefined, { broker, json, wait, ...more }: Options) => {
      const graph = path === undefined ? undefined : (await loadGraph(path)).graph;
      const address = await joinBroker(broker, context);
      const client = { timeoutMs: ONE_SHOT_CONNECT_MS, ...managementOf(more) };
      const seen = await withBroker(address, context, client, (client) => {
        return look(client, wait, context);
      });
      const report = compareBindings(seen, graph);
      const notes = notesOn(seen);
      if (json) context.print(JSON.stringify({ ...report, notes }));
      else {
        const caseSensitive = graph?.caseSensitive ?? false;
        const source = seen.tellsAll ? ['shown is all that the broker has bound, whoever made it'] : notes;
        for (const line of [...bindingsTable(report, { caseSensitive }), ...source]) context.print(line);
      }
      if (graph) checkDrift(report);
    });
}

/** Listens for `waitMs`, and then asks what is bound. @throws the signal's reason when it aborts before */
async function look(broker: Broker, waitMs: number, { signal, log }: CliContext): Promise<Seen> {
  const { binds, foreignBindings: tellsAll } = broker.capabilities;
  const nowMs = (): number => performance.now();
  const feed = new DiscoveryFeed({ broker, lapseMs: LAPSE_MS, nowMs, log }, () => undefined);
  let hasRouter = false;
  const onRouter = (body: Buffer): void => {
    hasRouter = body.length > 0;
  };
  const watching = binds ? undefined : await broker.watch(ROUTER_NOTICE, onRouter);
  try {
    await feed.start();
    await delay(waitMs, undefined, { signal });
    return { binds, tellsAll, bindings: await broker.bindings(), participants: feed.table, hasRouter };
  } finally {
    await feed.stop();
    await watching?.cancel();
  }
}

/** What cannot be known at such a broker. */
function notesOn({ binds, tellsAll }: Seen): string[] {
  if (tellsAll) return [];
  if (binds) {
    return [
      'this broker does not tell what is bound: shown is what participants announce; neither edges nor bindings of ' +
        'others can be checked. RabbitMQ tells it through its management plugin (--management)',
    ];
  }
  return [
    'this broker binds nothing: shown is what participants say they are subscribed to, and the routes of msgflo-router; ' +
      'other subscriptions cannot be seen',
  ];
}

/** @throws {DriftError} */
function checkDrift({ bindings: rows }: BindingsReport): void {
  const states: readonly BindingRow['state'][] = ['missing', 'unknown', 'left-over'];
  const counts = states.map((state) => [state, rows.filter((row) => row.state === state).length] as const);
  const said = counts.flatMap(([state, count]) => (count > 0 ? [`${count} ${state}`] : []));
  if (said.length > 0) throw new DriftError(`not bound as the graph wants: ${said.join(', ')}`);
}
