import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port of the loopback interface that is free now, and that nobody gets for a while. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await once(server.close(), 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
