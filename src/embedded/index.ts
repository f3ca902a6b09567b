/**
 * The broker that runs when none is given: an engine in memory behind a Unix socket, or behind a loopback port with a
 * token where there are no Unix sockets. It serves our own participants on one machine and keeps nothing over a restart.
 *
 * `main.ts` is it as a process of its own; `broker.json` is how the other executables run in the same folder find it.
 * Clients use the transport `local`, whose wire it speaks.
 */
export { type BrokerFile, readBrokerFile, writeBrokerFile } from './broker-file.js';
export { type BrokerCounters, EmbeddedBroker, type EmbeddedBrokerOptions } from './embedded-broker.js';
export { BROKER_RUNNING } from './unix-socket.js';
