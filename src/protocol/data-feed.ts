import type { Client } from './client.js';
import { type DataEvent, dataPush, frameOf, type Push, packetPush, wordsPush } from './data-frames.js';
import type { EdgeEnds, Network, Wish } from './network.js';
import { Selections } from './selections.js';
import type { Tracer } from './tracer.js';
import { Wishes } from './wishes.js';

export interface DataFeedOptions {
  readonly network: Network;
  /** All there are; each sorts out by itself what it may receive. */
  readonly clients: () => Iterable<Client>;
  readonly tracer: Tracer;
}

/**
 * Brings what goes over edges, and what participants say, to the clients that look at it, each message serialised once;
 * and has the network tap no more than what clients and the trace want.
 */
export class DataFeed {
  readonly #network: Network;
  readonly #clients: () => Iterable<Client>;
  readonly #tracer: Tracer;
  readonly #selections: Selections;
  readonly #wishes: Wishes;
  readonly #introduced = new Set<Client>();
  #isDebugging = false;

  constructor({ network, clients, tracer }: DataFeedOptions) {
    this.#network = network;
    this.#clients = clients;
    this.#tracer = tracer;
    this.#selections = new Selections(() => network.graph());
    this.#wishes = new Wishes(network, () => this.#wish());
    tracer.onSwitched(() => this.#wishes.changed());
  }

  /** The client looks at these edges, and at no others from now on. */
  select(client: Client, edges: readonly EdgeEnds[]): void {
    this.#selections.select(client, edges);
    this.#wishes.changed();
  }

  /** To be said before the network is started: a client that has chosen no edges sees all, from the first message on. */
  startedBy(client: Client): void {
    this.#selections.selectAll(client);
    this.#wishes.flush();
  }

  /** The client can be told, or may now receive other messages than before. */
  introduced(client: Client): void {
    this.#introduced.add(client);
    this.#wishes.changed();
  }

  /** The client is gone. Idempotent. */
  forget(client: Client): void {
    this.#selections.forget(client);
    this.#introduced.delete(client);
    this.#wishes.changed();
  }

  /** Whether what participants print on stderr is told as well. */
  setDebug(isOn: boolean): void {
    this.#isDebugging = isOn;
  }

  /** Tells whom it concerns. */
  take(event: DataEvent): void {
    if (event.kind === 'data') this.#takeData(event);
    else if (event.kind !== 'output' || event.stream === 'stdout' || this.#isDebugging) this.#tellAll(event);
  }

  get #graphId(): string {
    return this.#network.graphId;
  }

  /** Costs next to nothing where nobody looks. */
  #takeData(event: Extract<DataEvent, { kind: 'data' }>): void {
    const readers = this.#selections.readersOf(event);
    if (readers.length > 0 || this.#tracer.isRecording) this.#tell(dataPush(this.#graphId, event), readers, true);
  }

  #tellAll(event: Exclude<DataEvent, { kind: 'data' }>): void {
    const push = event.kind === 'packet' ? packetPush(this.#graphId, event) : wordsPush(this.#graphId, event);
    this.#tell(push, this.#clients(), event.kind === 'packet' || event.kind === 'output');
  }

  #tell(push: Push, clients: Iterable<Client>, droppable: boolean): void {
    this.#tracer.record(push);
    const frame = frameOf(push);
    for (const client of clients) client.tell(push, frame, { droppable });
  }

  #wish(): Wish {
    const { isRecording } = this.#tracer;
    const may = (protocol: string, command: string): boolean =>
      [...this.#introduced].some((client) => client.mayReceive(protocol, command));
    return {
      edges: isRecording ? 'all' : this.#selections.wanted((client) => client.mayReceive('network', 'data')),
      packets: may('runtime', 'packet'),
      errors: isRecording || may('network', 'processerror'),
    };
  }
}
