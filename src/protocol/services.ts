import type { DataFeed } from './data-feed.js';
import type { Tracer } from './tracer.js';
import type { Watchers } from './watchers.js';

/** What is shared by all clients of one network beside the network itself; each knows what it keeps for which client. */
export interface Services {
  readonly feed: DataFeed;
  readonly watchers: Watchers;
  readonly tracer: Tracer;
}
