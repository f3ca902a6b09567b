import type { Role } from '../names.js';

/** The notice that participants announce themselves on, as old libraries know it. */
export const DISCOVERY_NOTICE = 'fbp';
/** The notice on which a coordinator asks all participants of ours to announce themselves at once. */
export const ROLL_CALL_NOTICE = 'fbp.rollcall';
/** The notice on which participants of ours tell how many messages they have taken and sent. */
export const COUNTERS_NOTICE = 'fbp.counters';
/** The retained notice with the wiring of a role. */
export const wiringNotice = (role: Role): string => `fbp.wiring.${role}`;

/** Discovery messages above this are put aside unread, in bytes. */
export const MAX_DISCOVERY_BYTES = 1024 * 1024;
/** The longest name of a role, port or queue that is read. */
export const MAX_NAME_CHARS = 1000;
/** How often a participant announces itself is this, in ms, over 2.2. */
export const DISCOVERY_PERIOD_MS = 60_000;
/** Silence after which a participant counts as lapsed, in ms. */
export const LAPSE_MS = 600_000;
