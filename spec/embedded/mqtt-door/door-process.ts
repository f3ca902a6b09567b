/**
 * A node on a folder with an MQTT door, as a program that specs kill: `node door-process.ts <folder> <port>`. Prints the
 * address of the door when it takes clients.
 */
import { MqttDoor } from '../../../src/embedded/mqtt-door/index.js';
import { QueueEngine } from '../../../src/engine/index.js';
import { openLogNode, openStore } from '../../../src/log/index.js';
import { createLogger } from '../../../src/support/index.js';

const [, , folder = '', port = '0'] = process.argv;
const engine = await QueueEngine.open(openLogNode(await openStore(folder)), { noticeTopics: ['fbp'] });
const door = await MqttDoor.listen(engine, { port: Number(port), logger: createLogger('door') });
process.stdout.write(`${door.address}\n`);
