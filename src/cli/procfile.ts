import type { Command } from 'commander';
import { type ProcfileEntry, procfile as procfileText } from '../deploy/index.js';
import { type Node, participantNodes } from '../graph/index.js';
import { UnknownComponentError } from '../library/index.js';
import { groupBy } from '../support/index.js';
import { type CliContext, command, repeatable } from './command.js';
import { ComponentMissingError, loadGraph, loadProjectLibrary } from './project.js';

interface Options {
  readonly library?: string;
  readonly components?: string;
  readonly ignore: readonly string[];
  readonly include: readonly string[];
}

/** `msgflo-procfile`: the processes of a graph as lines for a process manager. */
export function procfile(context: CliContext): Command {
  return command('msgflo-procfile', 'Print a Procfile: one line for each role of a graph')
    .argument('<graph>', '.fbp or .json')
    .option('--library <file>', 'component configuration (without: package.json, if there is one)')
    .option('--components <folder>', 'folder of components (without: participants/, if there is one)')
    .addOption(repeatable('--ignore <role>', 'leave this role out'))
    .addOption(repeatable('--include <text>', 'add this line as it is'))
    .action(async (path: string, { library: file, components, ignore, include }: Options) => {
      const { graph, positions } = await loadGraph(path);
      const library = await loadProjectLibrary({ library: file, componentDir: components, isPortable: true }, context);
      const iips = groupBy(graph.iips, ({ to }) => to.role);
      const entryOf = (node: Node): ProcfileEntry => {
        const { role, component } = node;
        const given = Object.fromEntries((iips.get(role) ?? []).map(({ to, data }) => [to.port, data]));
        try {
          return { role, command: library.commandFor(component, { role, iips: given }).argv };
        } catch (error) {
          throw error instanceof UnknownComponentError ? new ComponentMissingError(node, positions, error) : error;
        }
      };
      const entries = participantNodes(graph).flatMap((node) => (ignore.includes(node.role) ? [] : [entryOf(node)]));
      context.print(procfileText(entries, { ignore, include }).trimEnd());
    });
}
