import { connect } from 'mqtt';
import { UsageError } from '../errors.js';
import type { TopicListener } from '../participant/index.js';
import { withoutPassword } from '../transport/index.js';
import type { CliContext } from './command.js';
import { MQTT_SCHEMES } from './mqtt-schemes.js';

/**
 * Hears which topics are in use at an MQTT broker, on a connection of its own: at QoS 0, since only the names matter.
 * Reconnects by itself.
 * @throws {UsageError} for a broker of another kind
 */
export async function mqttTopics(
  address: string,
  { log }: Pick<CliContext, 'log'>,
): Promise<TopicListener & { close(): Promise<void> }> {
  if (!MQTT_SCHEMES.includes(new URL(address).protocol)) {
    throw new UsageError(`--watch needs a broker whose queues are topics (mqtt://), not ${withoutPassword(address)}`);
  }
  const client = connect(address, { protocolVersion: 4 });
  const handlers = new Map<string, (topic: string) => void>();
  client.on('error', (error) => log.debug(`listening for topics: ${error.message}`));
  client.on('message', (topic) => {
    for (const handler of handlers.values()) handler(topic);
  });
  return {
    async hear(pattern, handler) {
      handlers.set(pattern, handler);
      await client.subscribeAsync(pattern, { qos: 0 });
      return {
        async cancel() {
          handlers.delete(pattern);
        },
      };
    },
    close: () => client.endAsync(true),
  };
}
