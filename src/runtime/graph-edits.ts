import { applyEdit, type Edit, type Edited, type Graph, type Node } from '../graph/index.js';
import type { Role } from '../names.js';
import type { Coordination } from './coordination.js';
import { type ForeignRoles, removedBy } from './foreign-roles.js';
import type { Project } from './project.js';

export interface GraphEditsParts {
  readonly coordinator: Pick<Coordination, 'setGraph' | 'rename' | 'launches'>;
  readonly project: Project;
  readonly foreign: ForeignRoles;
}

/** Carries edits out: all of one or nothing of it, and what is to be made of it by the coordinator. */
export class GraphEdits {
  readonly #parts: GraphEditsParts;

  constructor(parts: GraphEditsParts) {
    this.#parts = parts;
  }

  /** @throws {EditRefusedError | RoleOfOthersError | UsageError} whose message is for who asked; nothing is changed then */
  make(edit: Edit, before: Graph): Edited {
    const { coordinator, project, foreign } = this.#parts;
    const adopted = foreign.adoption(edit, before);
    const edited = [...adopted, edit].reduce<Edited>(
      (so, one) => {
        const { graph, changes } = applyEdit(so.graph, one);
        return { graph, changes: [...so.changes, ...changes] };
      },
      { graph: before, changes: [] },
    );
    project.check(newNodes(edited));
    if (edit.do === 'add-node') project.takeBack(edit.node.role);
    if (edit.do === 'remove-node') project.takeBack(edit.role);
    for (const { node } of adopted) project.leaveToOthers(node.role);
    if (edited.graph === before) return edited;
    foreign.remove(removedBy(edited.changes));
    if (edit.do === 'rename-node' && coordinator.launches(edit.from)) {
      coordinator.rename(edit.from, edit.to, edited.graph);
    } else {
      coordinator.setGraph(edited.graph);
    }
    return edited;
  }

  /** Takes over what somebody else made of the graph by these edits, none of which is a renaming. */
  takeOver(graph: Graph, edits: readonly Edit[]): void {
    const { coordinator, foreign } = this.#parts;
    foreign.remove(removedBy(edits));
    coordinator.setGraph(graph);
  }
}

/** The nodes that are new or other than before. */
function newNodes({ graph, changes }: Edited): readonly Node[] {
  const roles = changes.flatMap((edit): Role[] => {
    if (edit.do === 'add-node') return [edit.node.role];
    if (edit.do === 'rename-node') return [edit.to];
    return edit.do === 'change-node' ? [edit.role] : [];
  });
  return roles.length === 0 ? [] : graph.nodes.filter(({ role }) => roles.includes(role));
}
