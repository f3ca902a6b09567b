/** A router in a process of its own, to be killed: `router-process.ts URL`. */
import { silentLogger } from '../../../src/support/index.js';
import { Router } from '../../../src/transport/mqtt/index.js';

const router = new Router({ address: new URL(process.argv[2] ?? ''), log: silentLogger, heartbeatMs: 200 });
await router.start();
process.stdout.write('ready\n');
