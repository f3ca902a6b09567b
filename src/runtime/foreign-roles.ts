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

  constructor(coordinator: Pick<Coordination, 'report' | 'definitions' | 'launches'>, catalog: ComponentCatalog) {
    this.#coordinator = coordinator;
    this.#catalog = catalog;
  }

  /** Those that are heard now. */
  beside(graph: Graph): readonly Role[] {
    const named = new Set(graph.nodes.map(({ role }) => role));
    const foreign = this.#coordinator.report().nodes.filter(({ state }) => state === 'foreign');
    return foreign.map(({ role }) => role).filter((role) => !named.has(role));
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
    const foreign = new Set(this.beside(graph));
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
