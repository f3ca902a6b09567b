import { UsageError } from '../errors.js';
import type { Logger } from '../support/index.js';
import type { Broker, ClientOptions } from './contract.js';
import { UnknownSchemeError } from './errors.js';

/** Makes a broker client for an address; it is not connected yet. May load its code only now. */
export type TransportFactory = (address: URL, options: ClientOptions, log: Logger) => Promise<Broker>;

/** Transports by URL scheme. A value: made in one place and passed on. */
export class TransportRegistry {
  readonly #factories = new Map<string, TransportFactory>();

  /** @param schemes without colon: `amqp` */
  register(schemes: readonly string[], factory: TransportFactory): this {
    for (const scheme of schemes) this.#factories.set(scheme, factory);
    return this;
  }

  get schemes(): readonly string[] {
    return [...this.#factories.keys()];
  }

  /** Makes a client that is not connected yet. @throws {UsageError} for what is no URL. @throws {UnknownSchemeError} */
  async open(address: string, options: ClientOptions, log: Logger): Promise<Broker> {
    const { url, factory } = this.#find(address);
    return factory(url, options, log);
  }

  /** Whether an address could be opened. @throws as `open`, without connecting to anything */
  check(address: string): void {
    this.#find(address);
  }

  #find(address: string): { readonly url: URL; readonly factory: TransportFactory } {
    if (!URL.canParse(address)) throw new UsageError(`the broker address '${withoutPassword(address)}' is not a URL`);
    const url = new URL(address);
    const factory = this.#factories.get(url.protocol.replace(/:$/, ''));
    if (!factory) throw new UnknownSchemeError(withoutPassword(address), this.schemes);
    return { url, factory };
  }
}

/** A broker's address as it may be shown: password and token replaced by `***`. */
export function withoutPassword(address: string): string {
  return address
    .replace(/(:\/\/[^/@:]*):[^/]*@/, '$1:***@')
    .replace(/([?&]token=)[^&]*/g, '$1***')
    .replace(/[?]start=false$/, '');
}
