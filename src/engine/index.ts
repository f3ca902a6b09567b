/**
 * The engine of the embedded broker: inqueues that hold messages, outqueues that fan out, bindings between them, windows
 * of deliveries in flight, dead letters, notices. It knows neither sockets nor transports: `direct` speaks to it in
 * process, `embedded` puts it behind a socket. `MemoryEngine` keeps everything in memory; a durable one can take its
 * place behind the same `Engine`.
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
export { MemoryEngine, type MemoryEngineOptions } from './memory-engine.js';
