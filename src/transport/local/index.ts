/**
 * Client of the embedded broker, over a Unix socket (`local:///path`) or the loopback interface (`local://host:port` with
 * a token). The wire is here too, since the broker's side (the folder `embedded`) is built on it: `FrameSocket` carries
 * frames of a JSON head and raw bytes, `Fields` reads heads.
 *
 * A connection begins with `hello`; every request has a number `re`, answered by `ok` (several at once), `answer` or
 * `refused`. Unasked come `deliver`, `tapped` and `notice`. What cannot be read ends the connection.
 */
import type { TransportFactory } from '../index.js';
import { LocalBroker } from './local-broker.js';

export { connectOptions, formatLocalAddress, type LocalAddress, readLocalAddress } from './address.js';
export { WIRE_VERSION } from './connection.js';
export { Fields, WireError } from './fields.js';
export { FrameSocket, MAX_FRAME_BYTES } from './frame-socket.js';
export { LocalBroker };

/** Makes clients for `local://` addresses. */
export const openLocal: TransportFactory = async (address, options, log) => new LocalBroker(address, options, log);
