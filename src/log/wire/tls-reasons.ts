import { messageOf } from '../../errors.js';

const NOT_OURS = 'its certificate does not come from our authority';
const DISTRUSTS = 'it does not accept our certificate';
const LEFT =
  'it ended the connection in the middle of the handshake: it may not accept our certificate, or speak no TLS';

/** What Node's codes mean, of the other side. */
const WORDS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_OURS,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_OURS,
  UNABLE_TO_GET_ISSUER_CERT: NOT_OURS,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_OURS,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_OURS,
  CERT_SIGNATURE_FAILURE: NOT_OURS,
  CERT_UNTRUSTED: NOT_OURS,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  INVALID_PURPOSE: 'its certificate is not meant for this side of a connection',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'it showed no certificate',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it wants a certificate, and was shown none',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: LEFT,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: DISTRUSTS,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'our certificate has expired, it says',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: DISTRUSTS,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: DISTRUSTS,
  ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks no TLS',
  ERR_SSL_HTTP_REQUEST: 'it speaks no TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it knows no version of TLS from 1.2 on',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'it knows no version of TLS that is known here',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'it did not finish the handshake in time',
  ECONNRESET: LEFT,
};

/** Why a connection with TLS did not come about, in words about the other side; undefined where it is no affair of TLS. */
export function tlsReason(error: unknown): string | undefined {
  const code = codeOf(error);
  const words =
    WORDS[code] ?? (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') ? oneLine(error) : undefined);
  return words === undefined ? undefined : `${words} (${code})`;
}

/** Node gives a code alone where the other side's certificate is refused. */
function codeOf(error: unknown): string {
  if (typeof error === 'string') return error;
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** OpenSSL tells its own source files. */
function oneLine(error: unknown): string {
  const reason = error instanceof Error && 'reason' in error ? error.reason : undefined;
  return (typeof reason === 'string' ? reason : messageOf(error)).trim();
}
