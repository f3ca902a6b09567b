import type { KnownParticipant } from '../discovery/index.js';
import type { ParticipantId, PortRef, Role } from '../names.js';
import type { Step } from './steps.js';

/**
 * Tells of each IIP once for each participant that is given it: a wiring carries all IIPs of its role every time, and an
 * instance takes only those it does not have yet.
 */
export class IipTeller {
  readonly #tell: (to: PortRef, data: unknown) => void;
  readonly #told = new Map<ParticipantId, Set<string>>();

  constructor(tell: (to: PortRef, data: unknown) => void) {
    this.#tell = tell;
  }

  telling(
    step: Extract<Step, { readonly do: 'wire' | 'send-iip' }>,
    participants: (role: Role) => readonly KnownParticipant[],
  ): void {
    if (step.do === 'send-iip') {
      this.#tell(step.iip.to, step.iip.data);
      return;
    }
    const { role, iips } = step.wiring;
    const live = participants(role).filter(({ status }) => status === 'live');
    for (const { port, data, key } of iips) {
      const isNews = live.filter(({ definition: { id } }) => this.#isNews(id, key)).length > 0;
      if (isNews) this.#tell({ role, port }, data);
    }
  }

  forget(id: ParticipantId): void {
    this.#told.delete(id);
  }

  #isNews(id: ParticipantId, key: string): boolean {
    const told = this.#told.get(id) ?? new Set();
    this.#told.set(id, told);
    if (told.has(key)) return false;
    told.add(key);
    return true;
  }
}
