import { capabilitiesToSend, maySend } from './capabilities.js';
import type { Command, Exchange } from './command.js';
import { ForbiddenError, RequestError } from './errors.js';
import { componentCommands, graphCommands, networkCommands, runtimeCommands, traceCommands } from './handlers/index.js';
import type { PayloadCheck } from './payload-check.js';
import { relayed } from './relay.js';
import { excerpt, type Request, type SubProtocol } from './wire.js';

/** Every command that is answered with anything but an error; each sub-protocol has a file of its own in handlers/. */
const COMMANDS: Readonly<Record<SubProtocol, Readonly<Record<string, Command>>>> = {
  runtime: runtimeCommands,
  graph: graphCommands,
  component: componentCommands,
  network: networkCommands,
  trace: traceCommands,
};

const QUESTIONS: ReadonlySet<string> = new Set([
  'component:list',
  'component:getsource',
  'network:getstatus',
  'trace:dump',
]);

/** Whether a request changes nothing, so that those after it need not wait for it. */
export function isQuestion({ protocol, command }: Request): boolean {
  return QUESTIONS.has(`${protocol}:${command}`);
}

/**
 * Has a request answered, by us or by the participant whose graph it names; what takes no time is answered before this
 * returns. Before anything else is looked at it must be known who may ask it: a command that no capability stands for is
 * open to nobody.
 * @throws {MsgfloError} for the client to read
 */
export function begin(request: Request, check: PayloadCheck, exchange: Exchange): void | Promise<void> {
  const { protocol, command, payload } = request;
  const found = commandFor(request);
  if (!maySend(exchange.capabilities, protocol, command)) throw forbidden(request);
  const answer = relayed(exchange.network, request);
  if (!answer) return found.run(payload, check, exchange);
  return answer.then((message) => exchange.reply(message.command, message.payload));
}

function commandFor({ protocol, command }: Request): Command {
  const commands = COMMANDS[protocol];
  const found = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (found) return found;
  const known = Object.keys(commands).join(', ');
  throw new RequestError(`${protocol}:${excerpt(command)} is not supported; '${protocol}' has ${known}`);
}

function forbidden({ protocol, command }: Request): ForbiddenError {
  const needed = capabilitiesToSend(protocol, command).join(' or ');
  return new ForbiddenError(`${protocol}:${command} needs the capability ${needed}`);
}
