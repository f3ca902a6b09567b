import { quote } from 'shell-quote';
import { UsageError } from '../errors.js';

/** One process of a Procfile. */
export interface ProcfileEntry {
  readonly role: string;
  /** The program, then its arguments; none of them has passed a shell yet. */
  readonly command: readonly string[];
}

export interface ProcfileOptions {
  /** Whole lines that are added behind the others. @default none */
  readonly include?: readonly string[];
  /** Roles that are left out. @default none */
  readonly ignore?: readonly string[];
}

const PROCESS_TYPE = /^[A-Za-z0-9_-]+$/;

/**
 * A Procfile as foreman and its relatives read it: `role: command`, one line each, arguments quoted for a POSIX shell.
 * @throws {UsageError} naming a role, or an argument of it, that such a file cannot hold.
 */
export function procfile(entries: readonly ProcfileEntry[], options: ProcfileOptions = {}): string {
  const ignored = new Set(options.ignore ?? []);
  const lines = entries.filter(({ role }) => !ignored.has(role)).map(line);
  return [...lines, ...(options.include ?? [])].map((text) => `${text}\n`).join('');
}

function line({ role, command }: ProcfileEntry): string {
  if (!PROCESS_TYPE.test(role))
    throw new UsageError(
      `role '${role}' cannot stand in a Procfile: only letters, digits, _ and - can; ignore or rename it`,
    );
  if (command.length === 0) throw new UsageError(`role '${role}' has no command`);
  const broken = command.find((argument) => /[\n\r\0]/.test(argument));
  if (broken !== undefined)
    throw new UsageError(
      `role '${role}' cannot stand in a Procfile: its argument ${JSON.stringify(broken)} takes several lines`,
    );
  return `${role}: ${quote(command)}`;
}
