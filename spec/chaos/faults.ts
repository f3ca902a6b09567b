import { setTimeout as delay } from 'node:timers/promises';
import type { Hop, Ledger } from './ledger.js';
import { Deck } from './random.js';
import type { ChaosServer } from './servers.js';
import { SLOTS, type Slot } from './slots.js';
import type { Line, Stage } from './stage.js';

/** How long a cut line stays cut, in ms. */
export const CUT_MS = 3000;

export type FaultKind = 'participant' | 'broker' | 'coordinator' | 'router' | 'cut participant' | 'cut keeper';

/** One that happened. */
export interface Fault {
  readonly kind: FaultKind;
  /** The participant, where it was one. */
  readonly slot?: Slot;
  /** In ms since 1970. */
  readonly atMs: number;
  /** Who is through again has recovered: true for a hop of such a message. */
  readonly isRecovered: (hop: Hop, isSource: boolean) => boolean;
}

/** How often each kind is among the cards, so that a broker that takes seconds to return is not mostly away. */
const CARDS: readonly (readonly [FaultKind, number])[] = [
  ['participant', 5],
  ['cut participant', 2],
  ['broker', 1],
  ['coordinator', 1],
  ['cut keeper', 1],
];

/** Does one harm at a time to a stage and its broker, chosen by `random`; each kind and each participant in its turn. */
export class Faults {
  readonly happened: Fault[] = [];
  readonly #stage: Stage;
  readonly #server: ChaosServer;
  readonly #kinds: Deck<FaultKind>;
  readonly #slots: Deck<Slot>;
  readonly #repairs = new Set<Promise<void>>();
  #isBrokerAway = false;

  constructor(stage: Stage, server: ChaosServer, random: () => number) {
    const cards = CARDS.flatMap(([kind, count]) => Array.from({ length: count }, () => kind));
    this.#stage = stage;
    this.#server = server;
    this.#kinds = new Deck(server.hasRouter ? [...cards, 'router', 'router'] : cards, random);
    this.#slots = new Deck(SLOTS, random);
  }

  /** The next one; a participant is killed where the other harm is done already. Returns its description. */
  strike(): string {
    const kind = this.#kinds.deal();
    const slot = this.#slots.deal();
    if (kind === 'broker' && !this.#isBrokerAway) return this.#takeBrokerDown();
    if (kind === 'cut participant' && !this.#stage.line(slot).isCut) return this.#cut(slot);
    if (kind === 'cut keeper' && !this.#stage.line('keeper').isCut) return this.#cut('keeper');
    if (kind === 'coordinator' || kind === 'router') return this.#killPart(kind);
    return this.#killParticipant(slot);
  }

  /** Resolves when broker and network are whole again. @throws {Error} when the broker does not come back */
  async repaired(): Promise<void> {
    await Promise.all(this.#repairs);
  }

  /** From each fault to the next arrival by the affected way, in ms; undefined where there was none yet. */
  recoveriesMs(ledger: Ledger): readonly { readonly kind: FaultKind; readonly ms: number | undefined }[] {
    return this.happened.map(({ kind, atMs, isRecovered }) => {
      const at = ledger.firstArrivalMs(isRecovered);
      return { kind, ms: at === undefined ? undefined : at - atMs };
    });
  }

  #killParticipant(slot: Slot): string {
    const atMs = Date.now();
    const killed = this.#stage.pidOf(slot);
    if (killed !== undefined) process.kill(killed, 'SIGKILL');
    const isRecovered = (hop: Hop): boolean => hop.slot === slot && hop.pid !== killed && hop.atMs >= atMs;
    this.happened.push({ kind: 'participant', slot, atMs, isRecovered });
    return `SIGKILL ${slot}${killed === undefined ? ' (being started)' : ''}`;
  }

  #killPart(kind: 'coordinator' | 'router'): string {
    const pid = this.#stage.pidOfPart(`msgflo-${kind}`);
    if (pid === undefined) return `${kind} (being started)`;
    process.kill(pid, 'SIGKILL');
    this.#flowStruck(kind);
    return `SIGKILL ${kind}`;
  }

  #takeBrokerDown(): string {
    this.#isBrokerAway = true;
    this.#flowStruck('broker');
    this.#repair(async () => {
      await this.#server.takeDown();
      await this.#server.bringBack();
      this.#isBrokerAway = false;
    });
    return `${this.#server.fault} broker`;
  }

  #cut(line: Line): string {
    const proxy = this.#stage.line(line);
    proxy.cut();
    const atMs = Date.now();
    if (line === 'keeper') this.#flowStruck('cut keeper');
    else {
      const isRecovered = (hop: Hop): boolean => hop.slot === line && hop.atMs >= atMs + CUT_MS;
      this.happened.push({ kind: 'cut participant', slot: line, atMs, isRecovered });
    }
    this.#repair(async () => {
      await delay(CUT_MS);
      proxy.mend();
    });
    return `cut ${line}`;
  }

  /** What is sent from now on shows that the flow is whole again. */
  #flowStruck(kind: FaultKind): void {
    const atMs = Date.now();
    this.happened.push({ kind, atMs, isRecovered: (hop, isSource) => isSource && hop.atMs > atMs });
  }

  #repair(work: () => Promise<void>): void {
    const repair = work();
    repair.catch(() => undefined); // told by repaired()
    this.#repairs.add(repair);
  }
}
