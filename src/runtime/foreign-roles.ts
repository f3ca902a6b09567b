import type { NodeReport } from '../coordinator/index.js';
import type { Edit, Graph } from '../graph/index.js';
import type { Role } from '../names.js';
import type { ComponentCatalog } from './component-catalog.js';
import type { Coordination } from './coordination.js';
import { RoleOfOthersError } from './errors.js';

/**
 * Roles that were discovered but that the graph does not name. Editors see them among the nodes and may connect them: then
 * the graph takes them up first. What only their owner can do is refused in words.
 */
export class ForeignRoles {
  readonly #coordinator: Pick<Coordination, 'report' | 'definitions' | 'launches'>;
  readonly #catalog: ComponentCatalog;
  /** Ours, taken out of the graph, whose processes are still about to end. */
  readonly #leaving = new Set<Role>();

  constructor(coordinator: Pick<Coordination, 'report' | 'definitions' | 'launches'>, catalog: ComponentCatalog) {
    this.#coordinator = coordinator;
    this.#catalog = catalog;
  }

  /** Those that are heard now. */
  beside(graph: Graph): readonly NodeReport[] {
    const { nodes } = this.#coordinator.report();
    const named = new Set(graph.nodes.map(({ role }) => role));
    return nodes.filter(({ role, state }) => state === 'foreign' && !named.has(role) && !this.#leaving.has(role));
  }

  /** To be called at each report: those of ours that are gone by now may come back as somebody else's. */
  update(): void {
    if (this.#leaving.size === 0) return;
    const shown = new Set(this.#coordinator.report().nodes.map(({ role }) => role));
    for (const role of this.#leaving) if (!shown.has(role)) this.#leaving.delete(role);
  }

  /** To be called before the coordinator learns of it: these go out of the graph. What we ran of them is no foreigner. */
  remove(roles: readonly Role[]): void {
    for (const role of roles) if (this.#coordinator.launches(role)) this.#leaving.add(role);
  }

  /**
   * What has to be done to the graph first, so that it knows all the roles that an edit names.
   * @throws {RoleOfOthersError} for an edit that is not for us to make
   */
  adoption(edit: Edit, graph: Graph): readonly Extract<Edit, { do: 'add-node' }>[] {
    if (edit.do === 'rename-node') this.#refuseToRename(edit.from);
    const isNamed = (role: Role): boolean => graph.nodes.some((node) => node.role === role);
    const strange = [...new Set(rolesOf(edit))].filter((role) => !isNamed(role));
    if (strange.length === 0) return [];
    const foreign = new Set(this.beside(graph).map(({ role }) => role));
    const found = strange.filter((role) => foreign.has(role));
    if (edit.do === 'remove-node' && found.length > 0) {
      throw new RoleOfOthersError(edit.role, 'it is no part of the graph, and is shown for as long as they are there');
    }
    return this.#catalog.nodesOf(found).map((node) => ({ do: 'add-node', node }));
  }

  #refuseToRename(role: Role): void {
    if (this.#coordinator.launches(role)) return;
    const known = this.#coordinator.definitions().some((definition) => definition.role === role);
    if (known) throw new RoleOfOthersError(role, 'only whoever starts them can give it another name');
  }
}

/** The roles that must be in the graph for an edit. */
function rolesOf(edit: Edit): readonly Role[] {
  switch (edit.do) {
    case 'add-edge':
      return [edit.edge.from.role, edit.edge.to.role];
    case 'add-iip':
      return [edit.iip.to.role];
    case 'change-node':
    case 'remove-node':
      return [edit.role];
    case 'add-port':
      return [edit.port.target.role];
    case 'add-group':
      return edit.group.roles;
    default:
      return [];
  }
}

/** The roles that edits take out of a graph. */
export function removedBy(edits: readonly Edit[]): readonly Role[] {
  return edits.flatMap((edit): Role[] => {
    if (edit.do === 'remove-node') return [edit.role];
    return edit.do === 'rename-node' ? [edit.from] : [];
  });
}
