import { type Network, Protocol, type ProtocolOptions, type ProtocolSession } from '../../src/protocol/index.js';
import { silentLogger } from '../../src/support/index.js';
import { fakeNetwork, type Told } from './fake-network.js';
import { checkSchema } from './schema.js';

export interface TestClient {
  readonly protocol: Protocol;
  readonly session: ProtocolSession;
  /** What came so far, in order. */
  readonly told: Told[];
  /** Sends one request and gives what came by the time it was answered. */
  ask(name: string, payload?: unknown, more?: object): Promise<Told[]>;
}

/** A session on a fake network, without a socket. What it is told must fit the schemas of the standard. */
export function openSession(network: Network = fakeNetwork(), options: Partial<ProtocolOptions> = {}): TestClient {
  return openAnother(new Protocol({ network, log: silentLogger, ...options }));
}

/** One more client of the same protocol. */
export function openAnother(protocol: Protocol): TestClient {
  const told: Told[] = [];
  const session = protocol.open((frame) => {
    const message = JSON.parse(frame) as Told;
    checkSchema(message);
    told.push(message);
  });
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
