import type { Unsubscribe } from './log-listening.js';
import type { ProcOptions, ProcState } from './log-procs.js';

/** A processor as it was defined; who runs it is not the node's affair. */
export interface ProcessorDefinition {
  readonly name: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** Its procs are called `<name>__<topic>` even if there is only one. @default false: one is called as the processor */
  readonly isList?: boolean;
  /** Path of a module, or the text of a function. */
  readonly processor: string;
  /** Of its procs, besides name. */
  readonly options: Omit<ProcOptions, 'name'>;
}

/** Processors as they are defined. */
export interface LogProcessors {
  /** Keeps the definition and makes its procs: `name`, or `name__topic` for each of several topics. Idempotent. */
  systemProc(definition: ProcessorDefinition): Promise<readonly ProcState[]>;
  processors(): readonly ProcessorDefinition[];
  /** Tells of every new definition. */
  onProcessor(listener: (definition: ProcessorDefinition) => void): Unsubscribe;
  /** Tells of every one that is forgotten. */
  onProcessorRemoved(listener: (definition: ProcessorDefinition) => void): Unsubscribe;
  /** Forgets a definition and destroys its procs. */
  removeProcessor(name: string): Promise<void>;
}
