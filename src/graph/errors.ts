import { MsgfloError } from '../errors.js';
import type { Edit } from './edit.js';
import { describeEdit } from './edit-text.js';
import type { GraphProblem } from './problems.js';

/** A place in a graph's text; both count from 1, the column in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The text is not a graph. The message starts `path:line:column: `. */
export class GraphSyntaxError extends MsgfloError {
  readonly code = 'MSGFLO_GRAPH_SYNTAX';
  readonly path: string;
  readonly position: Position;
  constructor(path: string, position: Position, what: string, options?: ErrorOptions) {
    super(`${path}:${position.line}:${position.column}: ${what}`, options);
    this.path = path;
    this.position = position;
  }
}

/** The graph holds something that the notation cannot say; nothing was written. Another notation (JSON) can. */
export class GraphNotWritableError extends MsgfloError {
  readonly code = 'MSGFLO_GRAPH_NOT_WRITABLE';
  constructor(thing: string, why: string) {
    super(`${thing} cannot be written as .fbp: ${why}`);
  }
}

/** The text is a graph, but one that cannot run; one line per problem. */
export class GraphInvalidError extends MsgfloError {
  readonly code = 'MSGFLO_GRAPH_INVALID';
  readonly problems: readonly GraphProblem[];
  constructor(problems: readonly GraphProblem[]) {
    super(problems.map((problem) => problem.message).join('\n'));
    this.problems = problems;
  }
}

/** Pass-through nodes feed each other in a circle, so that nothing real is at either end. */
export class GraphCycleError extends MsgfloError {
  readonly code = 'MSGFLO_GRAPH_CYCLE';
  readonly roles: readonly string[];
  constructor(roles: readonly string[]) {
    super(`pass-through nodes form a cycle: ${roles.join(' -> ')}`);
    this.roles = roles;
  }
}

/** A graph cannot be changed in the way that was asked for; it is as it was. The message is one line for who asked. */
export class EditRefusedError extends MsgfloError {
  readonly code = 'MSGFLO_EDIT_REFUSED';
  readonly edit: Edit;
  readonly why: string;
  constructor(edit: Edit, why: string) {
    super(`cannot ${describeEdit(edit)}: ${why}`);
    this.edit = edit;
    this.why = why;
  }
}
