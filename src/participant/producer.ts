import { messageOf } from '../errors.js';
import { outportOf } from './collector.js';
import type { Component, Surroundings } from './component.js';
import { type Outlet, outgoing } from './outlet.js';
import { type Outport, StoppedError } from './outport.js';

export interface ProducerOptions {
  readonly component: Component;
  readonly outports: ReadonlyMap<string, Outport>;
  readonly outlet: Outlet;
  /** Its signal tells produce() to end. */
  readonly surroundings: Surroundings;
}

/** Runs a component's produce(), whose messages leave at once. */
export class Producer {
  readonly #options: ProducerOptions;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** Resolves when produce() has ended. Rejects with what it threw, unless it had been told to end. */
  async run(state: unknown): Promise<void> {
    const { component, outports, surroundings } = this.#options;
    try {
      await component.produce?.({
        ...surroundings,
        state,
        send: (port, data, headers) => this.#send(port, data, headers),
        isConnected: (port) => outports.get(port)?.isConnected ?? false,
      });
    } catch (error) {
      if (!surroundings.signal.aborted) throw error;
      surroundings.log.debug(`produce() ended with: ${messageOf(error)}`);
    }
  }

  #send(port: string, data: unknown, headers?: Readonly<Record<string, string>>): Promise<void> {
    const { outlet, outports, surroundings } = this.#options;
    const sent = outlet.send(outgoing(outportOf(outports, port), data, headers));
    // Who awaits it is given the error; who does not must not crash for it, but is told.
    sent.catch((error: unknown) => {
      if (error instanceof StoppedError || surroundings.signal.aborted) return;
      surroundings.log.warnOnce(`send ${port}`, `send('${port}') failed: ${messageOf(error)}`);
    });
    return sent;
  }
}
