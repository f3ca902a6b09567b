import type { DataFeed } from './data-feed.js';
import type { PortsNotice } from './ports-notice.js';
import type { Tracer } from './tracer.js';
import type { Watchers } from './watchers.js';

/** What all clients of one network share beside the network itself; each knows what it keeps for which client. */
export interface Services {
  readonly feed: DataFeed;
  readonly watchers: Watchers;
  readonly tracer: Tracer;
  readonly ports: PortsNotice;
}
