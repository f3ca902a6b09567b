import { isRecord } from '../support/index.js';
import { excerpt, isSubProtocol, type Request, SUB_PROTOCOLS, type SubProtocol } from './wire.js';

/** A frame that is no request. It is refused on the sub-protocol it names, else on `runtime`. */
export interface Refusal {
  readonly protocol: SubProtocol;
  readonly reason: string;
  readonly requestId?: string;
}

/** The secret stands beside the request, which goes places where no secret may go. */
export type ReadRequest = { readonly request: Request; readonly secret?: string } | { readonly refusal: Refusal };

/**
 * Reads one frame. Never throws; reasons never repeat what a payload held, since a secret may be in it. The `secret` is
 * the one beside the payload (0.8), else the one in it (0.7); clients that have none send `''`.
 */
export function readRequest(frame: string | Uint8Array): ReadRequest {
  if (typeof frame !== 'string') return refuse('binary frames are not taken: send JSON as text');
  let message: unknown;
  try {
    message = JSON.parse(frame);
  } catch {
    return refuse('the message is not JSON');
  }
  if (!isRecord(message)) return refuse('a message must be an object with protocol, command and payload');
  return readEnvelope(message);
}

function readEnvelope(message: Readonly<Record<string, unknown>>): ReadRequest {
  const { protocol, command, payload, requestId } = message;
  const context = {
    protocol: isSubProtocol(protocol) ? protocol : ('runtime' as const),
    ...(typeof requestId === 'string' && { requestId }),
  };
  const because = (reason: string): ReadRequest => ({ refusal: { ...context, reason } });
  if (typeof protocol !== 'string') return because('protocol must be text');
  if (!isSubProtocol(protocol))
    return because(`there is no sub-protocol '${excerpt(protocol)}'; there are ${SUB_PROTOCOLS.join(', ')}`);
  if (typeof command !== 'string' || command === '') return because('command must be text');
  const name = `${protocol}:${excerpt(command)}`;
  if (requestId !== undefined && typeof requestId !== 'string') return because(`${name}: requestId must be text`);
  if (!isRecord(payload)) return because(`${name}: payload must be an object`);
  const { secret: inPayload, ...rest } = payload;
  const secret = isNone(message.secret) ? inPayload : message.secret;
  const request = { ...context, command, payload: rest };
  if (isNone(secret)) return { request };
  return typeof secret === 'string' ? { request, secret } : because(`${name}: secret must be text`);
}

function isNone(secret: unknown): boolean {
  return secret === undefined || secret === null || secret === '';
}

function refuse(reason: string): ReadRequest {
  return { refusal: { protocol: 'runtime', reason } };
}
