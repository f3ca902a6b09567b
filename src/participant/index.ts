/**
 * What a participant is made of: the definition that an author writes (`participant()` gives a `Component`), a running
 * instance of it (`Participant`: announced, wired, stopped), and those whose program is not ours: modules of the older
 * shape `(client, role)`, commands that read stdin (`scriptComponent`), and foreign devices that are only announced for
 * them (`readForeignYaml`, `ForeignRegistrar`, `DeviceWatch`). Executables and hosts call `runComponent`.
 */
export { ComponentError } from './check-spec.js';
export { LateSendError, UnknownPortError } from './collector.js';
export {
  type Component,
  type ComponentSpec,
  type InportSpec,
  type Inports,
  type Inputs,
  isComponent,
  type OutportSpec,
  type Outports,
  type PortSpec,
  type ProcessContext,
  type ProduceContext,
  participant,
  type RetrySpec,
  type Surroundings,
} from './component.js';
export { DeviceWatch, type DeviceWatchOptions, type TopicListener } from './device-watch.js';
export { ForeignRegistrar, type ForeignRegistrarOptions } from './foreign-registrar.js';
export { type DevicePattern, type ForeignFile, ForeignYamlError, readForeignYaml } from './foreign-yaml.js';
export type { LegacyMessage } from './legacy-client.js';
export { type LegacyParticipant, type LoadedModule, loadComponent } from './load-component.js';
export { StoppedError } from './outport.js';
export { Participant } from './participant.js';
export { newParticipantId, type ParticipantOptions, participantClientOptions } from './participant-options.js';
export { type Permits, permitsOfProcess } from './permits.js';
export { PortTypeError } from './port-data.js';
export { PortSchemaError, SchemaError } from './port-schema.js';
export { PermanentError } from './retry.js';
export { type RunOptions, runComponent, runParticipant } from './run-component.js';
export { type ScriptOptions, scriptComponent } from './script-component.js';
