import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { builtinTransports } from '../transport/builtin/index.js';
import { withoutPassword } from '../transport/index.js';
import { Router } from '../transport/mqtt/index.js';
import { brokerOption, joinBroker } from './broker.js';
import { type CliContext, command } from './command.js';
import { parseDuration } from './duration.js';
import { MQTT_SCHEMES } from './mqtt-schemes.js';
import { untilAborted } from './until-aborted.js';

interface RouterFlags {
  readonly broker?: string;
  /** In ms. */
  readonly slotTimeout: number;
}

/** `msgflo-router`: forwards what an MQTT broker cannot bind, by the routes retained in it. */
export function router(context: CliContext): Command {
  return command('msgflo-router', 'Forward messages along the routes kept in an MQTT broker, until interrupted')
    .addOption(brokerOption())
    .addOption(
      new Option('--slot-timeout <duration>', 'hand on what an instance left that died and is not there again by then')
        .default(60_000, '1m')
        .argParser((text) => parseDuration('--slot-timeout', text)),
    )
    .action(async ({ broker, slotTimeout: slotTimeoutMs }: RouterFlags) => {
      const address = await joinBroker(broker, context);
      builtinTransports().check(address);
      if (!MQTT_SCHEMES.includes(new URL(address).protocol)) {
        throw new UsageError(`a router is for MQTT brokers (mqtt://): ${withoutPassword(address)} binds by itself`);
      }
      const forwarder = new Router({ address: new URL(address), slotTimeoutMs, log: context.log });
      await forwarder.start({ signal: context.signal });
      try {
        await untilAborted(context.signal);
      } finally {
        await forwarder.stop();
      }
    });
}
