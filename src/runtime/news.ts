import type { CoordinatorEvent } from '../coordinator/index.js';
import type { Definition } from '../discovery/index.js';
import type { Graph } from '../graph/index.js';
import { asRole, type PortRef, type Role } from '../names.js';
import type { ProcessState } from '../process/index.js';
import type { NetworkEvent } from '../protocol/index.js';
import type { ComponentCatalog } from './component-catalog.js';
import type { Coordination } from './coordination.js';
import type { EdgeData } from './edge-data.js';
import { isExported } from './exported-ports.js';
import { Losses } from './losses.js';
import { type Trouble, Troubles } from './troubles.js';

export interface NewsParts {
  readonly coordinator: Pick<Coordination, 'report' | 'isStarted' | 'launches'>;
  readonly catalog: ComponentCatalog;
  readonly data: EdgeData;
  readonly graph: () => Graph;
  readonly tell: (event: NetworkEvent) => void;
}

/** Most roles whose icons are remembered. */
const MAX_ICONS = 20_000;

/** Puts what the coordinator tells into the words that clients know. */
export class News {
  readonly #parts: NewsParts;
  readonly #troubles: Troubles;
  readonly #losses: Losses;
  readonly #icons = new Map<Role, string | undefined>();
  /** Roles with a process that failed and does not run again yet: their loss has been told. */
  readonly #failing = new Map<string, Role>();

  constructor(parts: NewsParts) {
    this.#parts = parts;
    this.#troubles = new Troubles((trouble) => this.#tellTrouble(trouble));
    this.#losses = new Losses((role) => this.#lost(role));
  }

  take(event: CoordinatorEvent): void {
    switch (event.kind) {
      case 'participant':
        this.#announced(event.definition);
        break;
      case 'process':
        this.#processChanged(event.state);
        break;
      case 'report':
        this.#losses.update(this.#parts.coordinator.report().nodes);
        this.#parts.tell({ kind: 'states' });
        break;
      case 'failure':
        this.#troubles.add({ about: 'failure', ...event });
        break;
      default:
        for (const told of this.#toldOf(event)) this.#parts.tell(told);
        if (event.kind === 'dead-letter') this.#deadLettered(event.of, event.reason);
    }
  }

  /** Nothing is told afterwards. Idempotent. */
  close(): void {
    this.#troubles.close();
    this.#losses.close();
  }

  #toldOf(
    event: Extract<CoordinatorEvent, { kind: 'output' | 'copy' | 'iip' | 'dead-letter' }>,
  ): readonly NetworkEvent[] {
    const { data } = this.#parts;
    switch (event.kind) {
      case 'output': {
        const { role, stream, line } = event.line;
        return [{ kind: 'output', role: asRole(role), stream, line }];
      }
      case 'copy':
        return data.copied(event.from, event.data);
      case 'iip':
        return data.given(event.to, event.data);
      case 'dead-letter':
        return data.deadLettered(event.of, event.data);
    }
  }

  #announced(definition: Definition): void {
    const { catalog, graph, tell } = this.#parts;
    const { role, icon } = definition;
    const component = catalog.announced(definition);
    if (component) tell({ kind: 'component', component });
    if (component && isExported(graph(), role)) tell({ kind: 'ports' });
    const isOther = this.#icons.has(role) && this.#icons.get(role) !== icon;
    if (isOther && icon !== undefined) tell({ kind: 'icon', role, icon });
    if (this.#icons.size >= MAX_ICONS) this.#icons.clear();
    this.#icons.set(role, icon);
  }

  #processChanged(state: ProcessState): void {
    const role = asRole(state.role);
    if (state.status === 'running' || state.status === 'stopped') this.#failing.delete(state.key);
    if (state.status !== 'backoff' && state.status !== 'failed') return;
    this.#failing.set(state.key, role);
    this.#troubles.add({ about: 'process', role, message: crashOf(state) });
  }

  #deadLettered({ role, port }: PortRef, reason: string): void {
    this.#troubles.add({
      about: 'dead letter',
      role,
      message: `a message for '${port}' went to the dead letters: ${reason}`,
    });
  }

  #lost(role: Role): void {
    const { coordinator } = this.#parts;
    const isOurs = coordinator.launches(role);
    if (isOurs && (!coordinator.isStarted || [...this.#failing.values()].includes(role))) return;
    const why = coordinator.report().nodes.find((node) => node.role === role)?.why;
    this.#troubles.add({ about: 'lost', role, message: `lost: ${why ?? 'its last participant is gone'}` });
  }

  /** What is not of a node, as the router, is told without one: editors look the node up. */
  #tellTrouble({ role, message }: Trouble): void {
    const { graph, coordinator, tell } = this.#parts;
    const isNode =
      graph().nodes.some((node) => node.role === role) || coordinator.report().nodes.some((node) => node.role === role);
    if (role !== undefined && isNode) tell({ kind: 'process-error', role, message });
    else tell({ kind: 'error', message: role === undefined ? message : `${role}: ${message}` });
  }
}

/** `exited with code 3: Error: no such file`. */
function crashOf({ key, role, status, lastExit, stderrTail = [] }: ProcessState): string {
  const { code = null, signal = null } = lastExit ?? {};
  const isStarted = code !== null || signal !== null;
  const what = isStarted ? `exited with ${signal ?? `code ${code}`}` : 'cannot be started';
  const who = key === role ? 'the process' : `process '${key}'`;
  // The tail begins with an error's own line where there is one, else it ends with what was said last.
  const [first] = stderrTail;
  const said = first !== undefined && /^\S*(Error|Exception)\b/.test(first) ? first : stderrTail.at(-1);
  const end = status === 'failed' ? '; it is not started again' : '';
  // Who is killed from outside had no say in it: its last line is about something else.
  return `${who} ${what}${said === undefined || signal === 'SIGKILL' ? '' : `: ${said.trim()}`}${end}`;
}
