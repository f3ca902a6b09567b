/**
 * Where the graph of a running network is kept. A `GraphFile` has two files: the state, which is ours and says how the
 * network is wanted right now, for a coordinator that takes over after a crash; and the graph file, which people wrote and
 * go on editing. Edits go to the state always and to the graph file where saving was asked for; what others change in the
 * graph file comes back as edits.
 *
 * Three rules hold throughout: neither file is ever half written; nothing that somebody else wrote is overwritten before
 * it was merged; what cannot be merged is said and left to people.
 */
export { GraphFile, type GraphFileOptions } from './graph-file.js';
export type { OutsideChange } from './shared-graph.js';
export type { LiveGraph } from './state-file.js';
