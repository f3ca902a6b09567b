import { join } from 'node:path';
import { silentLogger } from '../../src/support/index.js';
import { builtinTransports } from '../../src/transport/builtin/index.js';
import type { Broker } from '../../src/transport/index.js';
import { folderAddress } from '../../src/transport/log/index.js';

/** Lets `use` have a client of the broker that a project runs on, as somebody who has nothing to do with msgflo. */
export async function withClient<T>(
  { folder }: { readonly folder: string },
  url: string | undefined,
  use: (client: Broker) => Promise<T>,
): Promise<T> {
  const id = `outside-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const client = await builtinTransports().open(url ?? folderAddress(join(folder, '.msgflo')), { id }, silentLogger);
  try {
    await client.connect({ signal: AbortSignal.timeout(10_000) });
    return await use(client);
  } finally {
    await client.close();
  }
}
