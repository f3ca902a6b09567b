import type { PortRef } from '../names.js';
import type { Position } from './errors.js';

/** Something about a graph that keeps it from running (`error`) or is probably not meant (`warning`). */
export interface GraphProblem {
  readonly kind:
    | 'duplicate-node'
    | 'duplicate-edge'
    | 'duplicate-port'
    | 'unfit-name'
    | 'unknown-node'
    | 'unknown-port'
    | 'cycle';
  readonly severity: 'error' | 'warning';
  /** One line, with `path:line:column: ` in front as far as they are known. */
  readonly message: string;
  readonly position?: Position;
  /** The port that is not there, where it is about one. */
  readonly ref?: PortRef;
}
