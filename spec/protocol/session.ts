import { type Network, Protocol, type ProtocolOptions, type ProtocolSession } from '../../src/protocol/index.js';
import { silentLogger } from '../../src/support/index.js';
import { fakeNetwork, type Told } from './fake-network.js';

export interface TestClient {
  readonly protocol: Protocol;
  readonly session: ProtocolSession;
  /** What came so far, in order. */
  readonly told: Told[];
  /** Sends one request and gives what came by the time it was answered. */
  ask(name: string, payload?: unknown, more?: object): Promise<Told[]>;
}

/** A session on a fake network, without a socket. */
export function openSession(network: Network = fakeNetwork(), options: Partial<ProtocolOptions> = {}): TestClient {
  const protocol = new Protocol({ network, log: silentLogger, ...options });
  const told: Told[] = [];
  const session = protocol.open((frame) => told.push(JSON.parse(frame) as Told));
  return {
    protocol,
    session,
    told,
    async ask(name, payload = {}, more = {}) {
      const before = told.length;
      const [subProtocol, command] = name.split(':');
      await session.receive(JSON.stringify({ protocol: subProtocol, command, payload, ...more }));
      return told.slice(before);
    },
  };
}
