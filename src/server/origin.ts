import { isIP } from 'node:net';
import { hostname } from 'node:os';

export interface OriginRules {
  /** The address of the editor; its pages may connect. */
  readonly ide: string;
  /** The host we were told to listen on. */
  readonly host: string;
}

/**
 * Whether a page of `origin` may connect. Programs that are no browsers send none and may. Pages of this machine and of
 * the editor may, and those that came from us: from the `Host` of the request, if that is a name of ours. (Any other
 * name could be one that a stranger made point here to pass for us.)
 */
export function isAllowedOrigin(
  origin: string | undefined,
  requestHost: string | undefined,
  rules: OriginRules,
): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host, hostname: page } = new URL(origin);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  if (isLoopback(page)) return true;
  if (URL.canParse(rules.ide) && new URL(rules.ide).host === host) return true;
  return host === requestHost?.toLowerCase() && isOurName(page, rules.host);
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'));
}

function isOurName(name: string, host: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '');
  return isIP(bare) !== 0 || bare === host.toLowerCase() || bare === hostname().toLowerCase();
}
