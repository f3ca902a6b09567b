import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { isLoopbackName } from './listen.js';

export interface OriginRules {
  /** The address of the editor; its pages may connect. */
  readonly ide: string;
  /** Further origins whose pages may connect: `https://editor.example.org`; `*` stands for all. */
  readonly allowOrigins: readonly string[];
  /** The host we were told to listen on. */
  readonly host: string;
  readonly isTls: boolean;
}

/**
 * Whether a page of `origin` may connect. Programs that are no browsers send none and may. Pages of the editor and of
 * the allowed origins may, and those that came from us: from the `Host` of the request, if that is a name of ours. (Any
 * other name could be one that a stranger made point here to pass for us.) Pages that other programs of this machine
 * serve are strangers too: who can edit the network can run programs.
 */
export function isAllowedOrigin(
  origin: string | undefined,
  requestHost: string | undefined,
  rules: OriginRules,
): boolean {
  if (origin === undefined || rules.allowOrigins.includes('*')) return true;
  const page = webOrigin(origin);
  if (page === undefined) return false;
  if ([rules.ide, ...rules.allowOrigins].some((allowed) => webOrigin(allowed) === page)) return true;
  const own = webOrigin(`${rules.isTls ? 'https' : 'http'}://${requestHost ?? ''}`);
  return own === page && isOurName(new URL(page).hostname, rules.host);
}

/**
 * Whether a request was meant for us: a page of a stranger whose name points here asks under that name, and is no stranger
 * to a browser then. Who listens beyond this machine may be known by any name.
 */
export function isMeantForUs(requestHost: string | undefined, host: string): boolean {
  if (requestHost === undefined || !isLoopbackName(host)) return true;
  const address = `http://${requestHost}`;
  return URL.canParse(address) && isOurName(new URL(address).hostname, host);
}

/** Scheme, host and port of an http or https address as browsers spell them; undefined for any other text. */
export function webOrigin(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, origin } = new URL(address);
  return protocol === 'http:' || protocol === 'https:' ? origin : undefined;
}

function isOurName(name: string, host: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '');
  return isIP(bare) !== 0 || isLoopbackName(bare) || bare === host.toLowerCase() || bare === hostname().toLowerCase();
}
