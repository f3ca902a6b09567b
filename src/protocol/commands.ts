import type { Command } from './command.js';
import { RequestError } from './errors.js';
import { componentCommands, networkCommands, runtimeCommands } from './handlers/index.js';
import { excerpt, type Request, type SubProtocol } from './wire.js';

/** Every command that is answered with anything but an error; each sub-protocol has a file of its own in handlers/. */
const COMMANDS: Readonly<Record<SubProtocol, Readonly<Record<string, Command>>>> = {
  runtime: runtimeCommands,
  graph: {},
  component: componentCommands,
  network: networkCommands,
  trace: {},
};

/** @throws {RequestError} if the command is not supported, saying which are. */
export function commandFor({ protocol, command }: Pick<Request, 'protocol' | 'command'>): Command {
  const commands = COMMANDS[protocol];
  const found = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (found) return found;
  const known = Object.keys(commands);
  const hint = known.length > 0 ? `'${protocol}' has ${known.join(', ')}` : `nothing of '${protocol}' is`;
  throw new RequestError(`${protocol}:${excerpt(command)} is not supported; ${hint}`);
}
