import { type Edit, editsBetween, type Graph, mergeGraphs, sameGraph } from '../graph/index.js';

/** A change of the desired graph that came from the file. */
export interface OutsideChange {
  /** What is wanted from now on: edits made here and outside, merged. */
  readonly graph: Graph;
  /** What leads there from what was wanted before. */
  readonly edits: readonly Edit[];
}

interface Sides {
  readonly base: Graph;
  readonly ours: Graph;
  readonly theirs: Graph;
}

/** One graph that two sides edit, we and those who write its file, and what they last agreed on. */
export class SharedGraph {
  #base: Graph;
  #ours: Graph;
  #theirs: Graph;
  #conflicts: readonly string[] = [];

  constructor({ base, ours, theirs }: Sides) {
    this.#base = base;
    this.#ours = ours;
    this.#theirs = theirs;
  }

  /** What both sides were last, as far as they agree. */
  get base(): Graph {
    return this.#base;
  }

  get ours(): Graph {
    return this.#ours;
  }

  get theirs(): Graph {
    return this.#theirs;
  }

  /** What contradicts each other since the last merge, a line each. */
  get conflicts(): readonly string[] {
    return this.#conflicts;
  }

  /** Both want the same. */
  get isSame(): boolean {
    return this.#ours === this.#theirs || sameGraph(this.#ours, this.#theirs);
  }

  edit(ours: Graph): void {
    this.#ours = ours;
  }

  /** Both sides are this graph now. */
  agree(graph: Graph): void {
    this.#base = graph;
    this.#theirs = graph;
    this.#conflicts = [];
  }

  /** There is nothing any more that ours could contradict. */
  forgetConflicts(): void {
    this.#conflicts = [];
  }

  /** Takes over what `theirs` changed and ours does not contradict. @returns undefined where that is nothing */
  merge(theirs: Graph): OutsideChange | undefined {
    const before = this.#ours;
    const { graph, conflicts } = mergeGraphs(this.#base, before, theirs);
    this.#conflicts = conflicts.map(({ what }) => what);
    // In a conflict the base keeps what is in dispute, so that it stays one at the next merge, and goes along with what was
    // taken over: should we undo that later, it is an edit of ours and not one of theirs that we do not have yet.
    this.#base = conflicts.length === 0 ? theirs : mergeGraphs(before, this.#base, graph).graph;
    this.#theirs = theirs;
    this.#ours = graph;
    return sameGraph(before, graph) ? undefined : { graph, edits: editsBetween(before, graph) };
  }
}
