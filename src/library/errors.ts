import { MsgfloError } from '../errors.js';
import type { Role } from '../names.js';

/** A graph names a component for which the project has neither a file nor a command. */
export class UnknownComponentError extends MsgfloError {
  readonly code = 'MSGFLO_UNKNOWN_COMPONENT';
  readonly component: string;
  readonly role: Role | undefined;

  constructor(component: string, role: Role | undefined, known: readonly string[]) {
    const asked = role === undefined ? '' : ` of role '${role}'`;
    const near = nearest(component, known);
    const hint = near.length > 0 ? `did you mean ${near.join(', ')}?` : `${known.length} components are known`;
    super(`unknown component '${component}'${asked}; ${hint}`);
    this.component = component;
    this.role = role;
  }
}

/** The component is a command without a file, or its file is nothing to show. */
export class NoSourceError extends MsgfloError {
  readonly code = 'MSGFLO_NO_SOURCE';
}

/** What is wrong with a source that was to be written. `disk` is worth another try, all else is for its sender to change. */
export type SourceRefusal = 'name' | 'library' | 'language' | 'size' | 'text' | 'place' | 'command' | 'exists' | 'disk';

/** A component's source was not written; the message is for the person in the editor. */
export class SourceRefusedError extends MsgfloError {
  readonly code = 'MSGFLO_SOURCE_REFUSED';
  readonly reason: SourceRefusal;
  override readonly retryable: boolean;

  constructor(reason: SourceRefusal, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.retryable = reason === 'disk';
  }
}

/** Up to three known names that a person may have meant: the same but for the namespace or the case, or a few letters off. */
function nearest(asked: string, known: readonly string[]): readonly string[] {
  const wanted = bare(asked);
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const scored = known.map((name) => ({ name, distance: editDistance(wanted, bare(name)) }));
  const close = scored.filter(({ distance }) => distance <= limit).sort((a, b) => a.distance - b.distance);
  return close.slice(0, 3).map(({ name }) => `'${name}'`);
}

function bare(name: string): string {
  return name.slice(name.indexOf('/') + 1, name.indexOf('/') + 100).toLowerCase();
}

/** Letters to insert, remove or change to get from one to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j += 1) {
      const change = (row[j] ?? 0) + (to[j] === letter ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
