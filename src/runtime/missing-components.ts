import { messageOf } from '../errors.js';
import type { Graph } from '../graph/index.js';
import type { Role } from '../names.js';
import type { Logger } from '../support/index.js';
import type { Project } from './project.js';

export interface MissingComponentsParts {
  readonly project: Project;
  readonly graph: () => Graph;
  readonly log: Logger;
  /** Called when something that was missing is there. */
  readonly found: () => void;
}

/** How often the project is looked through again while something is missing, in ms. */
const EVERY_MS = 2000;

/**
 * Nodes that cannot be started, mostly since nobody knows their component. Each is said once; and while there are any, the
 * project is read again now and then: the file may be written any moment.
 */
export class MissingComponents {
  readonly #parts: MissingComponentsParts;
  /** Why each cannot be started; the project gives the same as long as nothing has changed. */
  #missing: ReadonlyMap<Role, string>;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** What is missing from the beginning has been said. */
  constructor(parts: MissingComponentsParts) {
    this.#parts = parts;
    this.#missing = this.#unfit();
    this.#lookLater();
  }

  /** To be called when the graph has changed. */
  changed(): void {
    const unfit = this.#unfit();
    if (unfit !== this.#missing) {
      for (const [role, why] of unfit) if (!this.#missing.has(role)) this.#parts.log.warn(why);
      this.#missing = unfit;
    }
    this.#lookLater();
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #unfit(): ReadonlyMap<Role, string> {
    const { project, graph } = this.#parts;
    return project.launchesOf(graph()).unfit;
  }

  #lookLater(): void {
    if (this.#timer !== undefined || this.#missing.size === 0 || this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#look(), EVERY_MS);
  }

  async #look(): Promise<void> {
    const { project, log, found } = this.#parts;
    try {
      await project.reload();
    } catch (error) {
      log.warnOnce(messageOf(error), messageOf(error));
    }
    this.#timer = undefined;
    if (this.#isClosed) return;
    const before = this.#missing;
    this.changed();
    if (this.#missing !== before && [...before.keys()].some((role) => !this.#missing.has(role))) found();
  }
}
