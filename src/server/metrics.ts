import type { IncomingMessage } from 'node:http';
import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';
import { isMeantForUs } from './origin.js';
import { type HttpAnswer, text } from './page.js';

/** Who may see the figures, and where they come from. */
export interface MetricsRules {
  /** Where we were told to listen. */
  readonly host: string;
  /** The page that asks, if it is one, may. */
  readonly isAllowedOrigin: () => boolean;
  /** Who gives this secret, or none, may see the figures. */
  readonly permits: (secret: string | undefined) => boolean;
  /** The text of them. */
  readonly metrics: () => Promise<string>;
  readonly log: Logger;
}

/** Answers a request for `/metrics`. A secret comes as `Authorization: Bearer <secret>`. */
export async function answerMetrics(
  { headers: { host, authorization } }: IncomingMessage,
  rules: MetricsRules,
): Promise<HttpAnswer> {
  if (!rules.isAllowedOrigin()) return text(403, 'pages of this origin may not see the figures');
  if (!isMeantForUs(host, rules.host)) return text(403, 'this machine is not known by that name');
  const [, secret] = /^Bearer +(\S.*?) *$/i.exec(authorization ?? '') ?? [];
  if (!rules.permits(secret)) {
    const refusal = text(401, 'the figures take a secret: Authorization: Bearer <secret>');
    return { ...refusal, headers: { 'www-authenticate': 'Bearer realm="msgflo"' } };
  }
  try {
    return { status: 200, type: 'text/plain; version=0.0.4', body: await rules.metrics() };
  } catch (error) {
    rules.log.warnOnce('metrics', `the figures for /metrics cannot be collected: ${messageOf(error)}`);
    return text(503, 'the figures cannot be collected just now');
  }
}
