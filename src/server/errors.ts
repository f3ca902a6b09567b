import { MsgfloError } from '../errors.js';

/** Another program listens there. Nothing was started. */
export class PortTakenError extends MsgfloError {
  readonly code = 'MSGFLO_PORT_TAKEN';
  readonly host: string;
  readonly port: number;
  constructor(host: string, port: number, options?: ErrorOptions) {
    super(`${host}:${port} is taken by another program: stop it, or choose another port with --port`, options);
    this.host = host;
    this.port = port;
  }
}

/** The host is not one of this machine's, its name means nothing, or the port is not ours to use. */
export class CannotListenError extends MsgfloError {
  readonly code = 'MSGFLO_CANNOT_LISTEN';
}

/** A certificate or its private key cannot be used. The message names which, and holds nothing of either. */
export class TlsError extends MsgfloError {
  readonly code = 'MSGFLO_TLS';
}
