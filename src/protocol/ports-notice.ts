import type { Client } from './client.js';
import { portsMessage } from './messages.js';
import type { Network } from './network.js';
import { frameOf } from './wire.js';

/** Tells the exported ports to clients, again only when they are other than what a client was told last. */
export class PortsNotice {
  readonly #network: Network;
  /** The payload as text: one for all who know the same. */
  readonly #known = new WeakMap<Client, string>();

  constructor(network: Network) {
    this.#network = network;
  }

  /** The payload of `runtime:ports`, to be sent to the client now. */
  payloadFor(client: Client): object {
    const payload = portsMessage(this.#network);
    this.#known.set(client, JSON.stringify(payload));
    return payload;
  }

  /** They may be other than before. Costs nothing where nobody may know them. */
  tellIfChanged(clients: Iterable<Client>): void {
    const listening = [...clients].filter((client) => this.#known.has(client) && client.mayReceive('runtime', 'ports'));
    if (listening.length === 0) return;
    const payload = portsMessage(this.#network);
    const text = JSON.stringify(payload);
    const message = { protocol: 'runtime', command: 'ports', payload } as const;
    const frame = frameOf(message);
    for (const client of listening) {
      if (this.#known.get(client) === text) continue;
      this.#known.set(client, text);
      client.tell(message, frame);
    }
  }
}
