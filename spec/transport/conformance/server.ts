import type { QueueName } from '../../../src/names.js';
import type { Broker, ClientOptions, Delivery } from '../../../src/transport/index.js';

/** A private broker, and clients for it. What one kind of broker cannot be made to do is left out. */
export interface Server {
  /** A client that is connected. Give it a unique id unless `options` has one. */
  connect(options?: Partial<ClientOptions>): Promise<Broker>;
  stop(): Promise<void>;
  /** kill -9, then up again on the same address and data. */
  killAndRestart?(): Promise<void>;
  /** Ends a client as a crash of its process would: the broker hears no goodbye. */
  kill?(client: Broker): Promise<void>;
  /** A client, not connected, for an address where nobody listens. */
  unreachable?(): Promise<Broker>;
  /** The largest message that it takes, where that is below 20 MB. */
  readonly maxMessageBytes?: number;
  /** Where `capabilities.binds` is false: the dead letters of an inqueue that the broker keeps. */
  keptDeadLetters?(inqueue: QueueName): Promise<readonly Pick<Delivery, 'data' | 'headers'>[]>;
}

export interface Harness {
  start(): Promise<Server>;
}
