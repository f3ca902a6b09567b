/**
 * The transports that come with msgflo, by URL scheme. The code of one, and the client library it stands on, is loaded
 * when the first address of its scheme is opened.
 */
import { type TransportFactory, TransportRegistry } from '../index.js';

/** A registry of its own at every call. */
export function builtinTransports(): TransportRegistry {
  const openAmqp = lazily(async () => (await import('../amqp/index.js')).openAmqp);
  const openMqtt = lazily(async () => (await import('../mqtt/index.js')).openMqtt);
  const openLocal = lazily(async () => (await import('../local/index.js')).openLocal);
  const openDirect = lazily(async () => (await import('../direct/index.js')).openDirect());
  return new TransportRegistry()
    .register(['amqp', 'amqps'], openAmqp)
    .register(['mqtt', 'mqtts', 'ws', 'wss'], openMqtt)
    .register(['local'], openLocal)
    .register(['direct'], openDirect);
}

/** Loads once, at the first call. */
function lazily(load: () => Promise<TransportFactory>): TransportFactory {
  let loading: Promise<TransportFactory> | undefined;
  return async (address, options, log) => {
    loading ??= load();
    return (await loading)(address, options, log);
  };
}
