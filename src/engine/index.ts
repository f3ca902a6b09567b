/**
 * The engine of the embedded broker: inqueues that hold messages, outqueues that fan out, bindings between them, windows
 * of deliveries in flight, dead letters, notices. It knows neither sockets nor transports: `direct` speaks to it in
 * process, `embedded` puts it behind a socket. `QueueEngine` is made of a `LogNode`: what it has said to be done is as safe
 * as the node's store.
 */
export type {
  Engine,
  EngineBinding,
  EngineBindingKind,
  EngineClient,
  EngineConsumer,
  EngineCounters,
  EngineDelivery,
  EngineDepth,
  EngineHeaders,
  EngineLetter,
  EngineMessage,
  EngineNotice,
  EngineOutput,
  EngineQueueKind,
  EngineQueueOptions,
  EngineRange,
  EngineRecord,
  EngineRound,
  EngineSession,
  EngineSettlement,
  Outcome,
  Stop,
  Submission,
} from './engine.js';
export { EngineRefusedError } from './errors.js';
export { openMemoryEngine } from './memory-engine.js';
export { QueueEngine, type QueueEngineOptions } from './queue-engine.js';
