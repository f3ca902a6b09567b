/** A process that takes from a queue with a slot and settles nothing: `hanging-consumer.ts URL QUEUE SLOT [if-free|certain [SOURCE]]`. */
import { asQueueName } from '../../../src/names.js';
import { silentLogger } from '../../../src/support/index.js';
import { openMqtt } from '../../../src/transport/mqtt/index.js';

const [url = '', queue = '', slot = '', mode = '', source] = process.argv.slice(2);
const client = await openMqtt(new URL(url), { id: 'hanging', slot, slotIfFree: mode === 'if-free' }, silentLogger);
await client.connect();
const hang = (): Promise<never> => new Promise(() => undefined);
const consumer = await client.consume(asQueueName(queue), hang, { prefetch: 5 });
if (source !== undefined) await consumer.listenTo([asQueueName(source)]);
process.stdout.write('ready\n');
