/** A process that takes from a queue with a slot and settles nothing: `hanging-consumer.ts URL QUEUE SLOT [if-free]`. */
import { asQueueName } from '../../../src/names.js';
import { silentLogger } from '../../../src/support/index.js';
import { openMqtt } from '../../../src/transport/mqtt/index.js';

const [url = '', queue = '', slot = '', mode = ''] = process.argv.slice(2);
const client = await openMqtt(new URL(url), { id: 'hanging', slot, slotIfFree: mode === 'if-free' }, silentLogger);
await client.connect();
await client.consume(asQueueName(queue), () => new Promise(() => undefined), { prefetch: 5 });
process.stdout.write('ready\n');
