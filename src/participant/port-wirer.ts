import type { Wiring } from '../discovery/index.js';
import type { Logger } from '../support/index.js';
import type { Client } from '../transport/index.js';
import type { Component } from './component.js';
import type { Inport } from './inport.js';
import { inOrder } from './inport-order.js';
import type { Outport } from './outport.js';

/** How long what was sent before a new wiring may delay the word that it is carried out, in ms. */
const UNDERWAY_MS = 2000;

export interface PortWirerOptions {
  readonly component: Component;
  readonly client: Client;
  readonly inports: ReadonlyMap<string, Inport>;
  readonly outports: ReadonlyMap<string, Outport>;
  /** A keeper started it: what the wiring does not tell of an outport, it is about to tell. */
  readonly isKept: boolean;
  readonly log: Logger;
}

/** Carries a wiring out at the ports of a participant: what inports listen to, and what may leave on outports. */
export class PortWirer {
  readonly #options: PortWirerOptions;

  constructor(options: PortWirerOptions) {
    this.#options = options;
  }

  /** Resolves when messages may come, and go to where they are to. */
  async prepare(wiring: Wiring): Promise<void> {
    const { client, inports, outports } = this.#options;
    this.#warnOfUnknownPorts(wiring);
    if (!client.capabilities.binds) {
      for (const inport of inOrder(inports.values()).flat()) {
        const sources = wiring.inports[inport.name] ?? [];
        await inport.consumer?.listenTo(sources);
        inport.sources = sources;
      }
    }
    await this.#declareAgain(wiring);
    if (!client.capabilities.credits) return;
    for (const [name, { queue }] of outports) await client.flowTo(queue, wiring.targets?.[name] ?? []);
  }

  /**
   * The outports follow the wiring from now on. Resolves when nothing is under way any more that was let out before: what
   * the graph does not connect any more is unbound once that is announced.
   */
  async become(wiring: Wiring): Promise<void> {
    const { outports, isKept } = this.#options;
    const untold = isKept ? 'waiting' : 'unconnected';
    await Promise.all(
      [...outports].map(([name, outport]) => outport.become(wiring.outports[name] ?? untold, UNDERWAY_MS)),
    );
  }

  /** Some brokers delete an outqueue that is not persistent when nobody is bound to it any more. */
  async #declareAgain(wiring: Wiring): Promise<void> {
    const { client, component, outports } = this.#options;
    for (const [name, { queue, state }] of outports) {
      const next = wiring.outports[name] ?? 'unconnected';
      const isNeeded = next !== 'unconnected' && next !== state;
      if (isNeeded && component.outports[name]?.persistent === false)
        await client.declare('outqueue', queue, { persistent: false });
    }
  }

  #warnOfUnknownPorts(wiring: Wiring): void {
    const { inports, outports, log } = this.#options;
    const unknown = [
      ...Object.keys(wiring.inports).filter((name) => !inports.has(name)),
      ...Object.keys(wiring.outports).filter((name) => !outports.has(name)),
    ];
    for (const name of unknown) log.warnOnce(`wired ${name}`, `the wiring names port '${name}', there is none`);
  }
}
