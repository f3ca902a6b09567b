/**
 * Run before the specs: what they start must be there, and installing it takes longer than any spec may.
 * A server that is named in the environment need not be installed, but then what kills and restarts servers fails.
 */
import { ensureInstalled } from './debian.js';

const servers = [
  { variable: 'MSGFLO_TEST_AMQP', binary: 'rabbitmq-server', debianPackage: 'rabbitmq-server' },
  { variable: 'MSGFLO_TEST_MQTT', binary: 'mosquitto', debianPackage: 'mosquitto' },
  { variable: 'MSGFLO_TEST_MQTT', binary: 'mosquitto_pub', debianPackage: 'mosquitto-clients' },
];

try {
  for (const { variable, binary, debianPackage } of servers) {
    if (!process.env[variable]) await ensureInstalled(binary, debianPackage, variable);
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
