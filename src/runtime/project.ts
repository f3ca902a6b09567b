import { type Launch, type LaunchOptions, launchesOf } from '../coordinator/index.js';
import { UsageError } from '../errors.js';
import { emptyGraph, type Graph, type Iip, type Node, participantNodes } from '../graph/index.js';
import type { Library } from '../library/index.js';
import type { Role } from '../names.js';
import { groupBy } from '../support/index.js';

export interface ProjectOptions {
  readonly library: Library;
  /** Reads the library again. */
  readonly load: () => Promise<Library>;
  readonly launch: LaunchOptions;
}

/** How the processes of a graph are started, and why some are not. */
export interface ProjectLaunches {
  readonly launches: ReadonlyMap<Role, Launch>;
  /** Why, in words. */
  readonly unfit: ReadonlyMap<Role, string>;
}

/** What was found for one node; it holds for as long as node and IIPs are the same objects. */
interface Found {
  readonly node: Node;
  readonly iips: readonly Iip[];
  readonly launch?: Launch;
  readonly why?: string;
}

/**
 * The components of the project as they are now, and what is started for a graph. Files change while it runs, so the library
 * is read again after each change that is ours.
 */
export class Project {
  readonly #options: ProjectOptions;
  readonly #others = new Set<Role>();
  #library: Library;
  #found = new Map<Role, Found>();
  #known: (ProjectLaunches & { readonly graph: Graph }) | undefined;

  constructor(options: ProjectOptions) {
    this.#options = options;
    this.#library = options.library;
  }

  get library(): Library {
    return this.#library;
  }

  /** Never throws: a node that cannot be started is left out, with the reason. O(nodes), commands only where nodes changed. */
  launchesOf(graph: Graph): ProjectLaunches {
    if (this.#known?.graph !== graph) this.#known = { graph, ...this.#launchesOf(graph) };
    return this.#known;
  }

  /** @throws {UsageError} when one of the nodes asks for what makes no sense; that nobody knows its component is no error */
  check(nodes: readonly Node[]): void {
    for (const node of nodes) this.#look(node, []);
  }

  /** Roles that are left to others. */
  get others(): readonly Role[] {
    return [...this.#others];
  }

  /** Somebody else runs this role: nothing is started for it, though the graph names it. */
  leaveToOthers(role: Role): void {
    this.#others.add(role);
    this.#forget();
  }

  /** The graph decides about this role again. */
  takeBack(role: Role): void {
    if (this.#others.delete(role)) this.#forget();
  }

  /** @throws {UsageError} naming what is wrong with the project; the library stays as it was then */
  async reload(): Promise<void> {
    const library = await this.#options.load();
    // It is read every other second while a component is missing: what was found holds, nothing is made anew.
    if (library.isSameAs(this.#library)) return;
    this.#library = library;
    this.#forget();
  }

  #forget(): void {
    this.#found.clear();
    this.#known = undefined;
  }

  #launchesOf(graph: Graph): ProjectLaunches {
    const iips = groupBy(graph.iips, ({ to }) => to.role);
    const launches = new Map<Role, Launch>();
    const unfit = new Map<Role, string>();
    const found = new Map<Role, Found>();
    for (const node of participantNodes(graph)) {
      const { role } = node;
      const given = iips.get(role) ?? [];
      const before = this.#found.get(role);
      const isSame = before?.node === node && sameItems(before.iips, given);
      const one = before && isSame ? before : this.#find(node, given);
      found.set(role, one);
      if (one.launch) launches.set(role, one.launch);
      if (one.why !== undefined) unfit.set(role, one.why);
    }
    this.#found = found;
    return { launches, unfit };
  }

  /** Only words are kept of an error: it would keep its stack, one for each node of a large graph. */
  #find(node: Node, iips: readonly Iip[]): Found {
    try {
      const { launches, unknown } = this.#look(node, iips);
      const launch = launches.get(node.role);
      const why = unknown[0]?.error.message;
      return { node, iips, ...(launch && { launch }), ...(why !== undefined && { why }) };
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return { node, iips, why: error.message };
    }
  }

  /** @throws {UsageError} */
  #look(node: Node, iips: readonly Iip[]): ReturnType<typeof launchesOf> {
    const { launch } = this.#options;
    const ignore = [...(launch.ignore ?? []), ...this.#others];
    return launchesOf({ ...emptyGraph(''), nodes: [node], iips }, this.#library, { ...launch, ignore });
  }
}

function sameItems<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((item, index) => item === others[index]);
}
