/**
 * The transports that come with msgflo, by URL scheme. The code of one, and the client library it stands on, is loaded
 * when the first address of its scheme is opened.
 */
import { type TransportFactory, TransportRegistry } from '../index.js';

/** A registry of its own at every call. */
export function builtinTransports(): TransportRegistry {
  const openAmqp = lazily(async () => (await import('../amqp/index.js')).openAmqp);
  const openMqtt = lazily(async () => (await import('../mqtt/index.js')).openMqtt);
  const openDirect = lazily(async () => (await import('../direct/index.js')).openDirect());
  const openFarLog = lazily(async () => (await import('../log/index.js')).openLog);
  const openLog: TransportFactory = (address, options, log) =>
    address.host === 'memory' ? openDirect(inMemory(address), options, log) : openFarLog(address, options, log);
  return new TransportRegistry()
    .register(['amqp', 'amqps'], openAmqp)
    .register(['mqtt', 'mqtts', 'ws', 'wss'], openMqtt)
    .register(['log', 'logs'], openLog)
    .register(['direct'], openDirect);
}

/** `log://memory/name` is an engine in this process; those of `direct://` have other names. */
function inMemory(address: URL): URL {
  return new URL(`direct://log-${encodeURIComponent(address.pathname.slice(1))}`);
}

/** Loads once, at the first call. */
function lazily(load: () => Promise<TransportFactory>): TransportFactory {
  let loading: Promise<TransportFactory> | undefined;
  return async (address, options, log) => {
    loading ??= load();
    return (await loading)(address, options, log);
  };
}
