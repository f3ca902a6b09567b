import type { PortName, QueueName, Role } from '../names.js';
import { contentHash } from '../support/index.js';

/**
 * What becomes of messages sent on an outport: `waiting` means connected, but not every target is bound yet; `exported`
 * that nothing in the graph takes them but somebody may look on: they are sent, and dropped where nobody takes them.
 */
export type OutportState = 'unconnected' | 'waiting' | 'ready' | 'exported';

/** Initial data for one inport. `key` tells two IIPs of equal content apart: an instance takes each key once. */
export interface WiredIip {
  readonly port: PortName;
  readonly data: unknown;
  readonly key: string;
}

/** What a role of ours is told of its place in the graph; the same for all its instances. */
export interface Wiring {
  readonly wiring: 1;
  readonly role: Role;
  /** Name of the graph that wants it so. */
  readonly graph: string;
  /**
   * The run of the keeper that it was made for. An instance started by a keeper carries out only wirings of that run,
   * so that it does not act on what an earlier run left retained in the broker.
   */
  readonly run?: string;
  readonly iips: readonly WiredIip[];
  /** Sources to subscribe to, by inport; only on brokers that cannot bind. */
  readonly inports: Readonly<Record<string, readonly QueueName[]>>;
  /** By outport. One that is not named is unconnected. */
  readonly outports: Readonly<Record<string, OutportState>>;
  /**
   * By outport: inqueues of participants of ours whose unsettled messages the source is to bound; only on brokers that
   * do not hold senders back. @default {}
   */
  readonly targets?: Readonly<Record<string, readonly QueueName[]>>;
  /** Content hash over `iips`, `inports`, `outports` and `targets`; the instance announces it back as `wired`. */
  readonly hash: string;
}

export function createWiring(wanted: Omit<Wiring, 'wiring' | 'hash'>): Wiring {
  const { iips, inports, outports, targets } = wanted;
  return { ...wanted, wiring: 1, hash: contentHash({ iips, inports, outports, ...(targets && { targets }) }) };
}

/** IIPs with their keys: content hash and how many equal ones stood before on that port. */
export function keyIips(iips: readonly { readonly port: PortName; readonly data: unknown }[]): WiredIip[] {
  const seen = new Map<string, number>();
  return iips.map(({ port, data }) => {
    const content = `${port}:${contentHash(data)}`;
    const before = seen.get(content) ?? 0;
    seen.set(content, before + 1);
    return { port, data, key: `${content}:${before}` };
  });
}
