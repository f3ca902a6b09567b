import { MsgfloError } from '../errors.js';

/** msgflo runs without a graph file, so there is nowhere to write the graph to. */
export class NoGraphFileError extends MsgfloError {
  readonly code = 'MSGFLO_NO_GRAPH_FILE';
  constructor() {
    super('msgflo runs without a graph file, so this graph cannot be saved; start it with --graph FILE');
  }
}

/** Somebody else changed the file in ways that contradict edits made here; it is left as it is until they agree. */
export class GraphConflictError extends MsgfloError {
  readonly code = 'MSGFLO_GRAPH_CONFLICT';
  readonly conflicts: readonly string[];
  constructor(path: string, conflicts: readonly string[]) {
    super(`${path} was changed by somebody else, in conflict with edits here: ${conflicts.join('; ')}`);
    this.conflicts = conflicts;
  }
}

/** The graph file cannot be read or written as it is now. */
export class GraphFileError extends MsgfloError {
  readonly code = 'MSGFLO_GRAPH_FILE';
  override readonly retryable = true;
  readonly path: string;
  constructor(path: string, why: string, options?: ErrorOptions) {
    super(`${path}: ${why}`, options);
    this.path = path;
  }
}
