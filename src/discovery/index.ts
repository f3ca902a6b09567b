/**
 * Finding participants, without any input or output: the definition that a participant announces, reading and checking
 * such announcements, the table of who is alive, the wiring message by which a role of ours learns its place in the graph,
 * and the counters by which its instances tell what they are doing. Transports carry these messages as notices;
 * participants write them and coordinators read them, or the other way round. docs/wire.md describes all of it for other
 * languages.
 */
export {
  type Counters,
  countersMessageOf,
  DURATION_BOUNDS_MS,
  type Durations,
  type InportCounters,
  type OutportCounters,
  type ReadCounters,
  readCounters,
} from './counters.js';
export type { Definition, PortDefinition } from './definition.js';
export {
  COUNTERS_NOTICE,
  DISCOVERY_NOTICE,
  DISCOVERY_PERIOD_MS,
  LAPSE_MS,
  ROLL_CALL_NOTICE,
  wiringNotice,
} from './names.js';
export {
  type AnnouncementEffect,
  type KnownParticipant,
  type ParticipantStatus,
  ParticipantTable,
} from './participant-table.js';
export {
  type Announcement,
  announcementOf,
  goneMessageOf,
  type ReadWiring,
  readAnnouncement,
  readWiring,
} from './read.js';
export { createWiring, keyIips, type OutportState, type WiredIip, type Wiring } from './wiring.js';
