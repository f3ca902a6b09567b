import { messageOf } from '../errors.js';
import { outportOf } from './collector.js';
import type { Component, Surroundings } from './component.js';
import { type Outgoing, type Outlet, outgoing } from './outlet.js';
import { type Outport, StoppedError } from './outport.js';
import { SchemaError } from './port-schema.js';
import type { Telemetry } from './telemetry.js';
import { type Carried, OutputHeaders } from './trace-context.js';

type Headers = Readonly<Record<string, string>>;

const NO_HEADERS: Headers = Object.freeze({});

export interface ProducerOptions {
  readonly component: Component;
  readonly outports: ReadonlyMap<string, Outport>;
  readonly outlet: Outlet;
  /** Its signal tells produce() to end. */
  readonly surroundings: Surroundings;
}

/** Runs a component's produce(), whose messages leave at once. */
export class Producer {
  /** There when spans are to be made. */
  telemetry: Telemetry | undefined;
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

  #send(port: string, data: unknown, headers?: Headers): Promise<void> {
    const { outports, surroundings } = this.#options;
    const outport = outportOf(outports, port);
    const sent = this.telemetry
      ? this.telemetry.send(outport, (carried) => this.#sendAs(outport, data, headers, carried))
      : this.#sendAs(outport, data, headers);
    // Who awaits it is given the error; who does not must not crash for it, but is told.
    sent.catch((error: unknown) => {
      if (error instanceof StoppedError || surroundings.signal.aborted) return;
      surroundings.log.warnOnce(`send ${port}`, `send('${port}') failed: ${messageOf(error)}`);
    });
    return sent;
  }

  #sendAs(outport: Outport, data: unknown, headers?: Headers, carried?: Carried): Promise<void> {
    const each = made(outport, data, new OutputHeaders(NO_HEADERS, this.#options.outlet.traceIds, carried), headers);
    return each instanceof SchemaError ? Promise.reject(each) : this.#options.outlet.send(each);
  }
}

/** What is no data at all is the author's error and thrown at once; data that does not fit is an answer. */
function made(outport: Outport, data: unknown, known: OutputHeaders, own?: Headers): Outgoing | SchemaError {
  try {
    return outgoing(outport, data, known, own);
  } catch (error) {
    if (error instanceof SchemaError) return error;
    throw error;
  }
}
