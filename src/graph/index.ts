/**
 * Graphs: what a user wants to run. A `Graph` is a value of nodes (roles and their components), edges, IIPs, exported
 * ports and groups; edits make new ones. Everything here is a function on values and text; files are the caller's affair.
 *
 * Reading (`readGraph`) gives the graph and, beside it, the places of its parts, so that problems found later
 * (`validateGraph`, `checkPorts` once participants are known) can name file and line. Writing: `writeJson`, `writeFbp` for a
 * fresh text, `patchFbp` to change a text that people wrote.
 *
 * The notation .fbp is that of the `fbp` package. What it has no words for goes into comment lines that only we read,
 * `# @<kind> <JSON object>`: `@property`, `@node`, `@edge`, `@inport`, `@outport` (metadata) and `@group`, and
 * `# @caseSensitive true`. Roles, components and ports with characters beyond its alphabet stand in the text under an alias,
 * as in `my_role(A)`, and a line for each gives the name: `# @role {"my_role":"my role"}`, likewise `@component` and
 * `@port`. A reader that skips comments sees the same network, in which the aliases are the names. An alias stays as long as
 * it has a use, and may be chosen by hand; one that stands nowhere does nothing, and one that leaves in doubt which name is
 * meant is a `GraphSyntaxError`. Refused are only names that are empty or hold control characters, and ports in upper case
 * unless the graph is case-sensitive.
 *
 * The coordinator binds what `resolveEdges` gives. Live editing goes by `applyEdit`; `editsBetween` puts into edits how one
 * graph became another, and `mergeGraphs` brings together what two sides made of one.
 */
export { applyEdit } from './apply-edit.js';
export { deadLetterHint, deadLetterPort, impliedBy } from './dead-letters.js';
export {
  type Change,
  type Delta,
  diffGraphs,
  type GraphDiff,
  isEmptyDiff,
  sameGraph,
} from './diff.js';
export type { EdgeEnd, Edit, Edited, ExportSide } from './edit.js';
export { editsBetween } from './edits-between.js';
export {
  EditRefusedError,
  GraphCycleError,
  GraphInvalidError,
  GraphNotWritableError,
  GraphSyntaxError,
  type Position,
} from './errors.js';
export { patchFbp } from './fbp-patch.js';
export { readFbp } from './fbp-reader.js';
export { writeFbp } from './fbp-writer.js';
export { readJson } from './json-reader.js';
export { writeJson } from './json-writer.js';
export { edgeKey, iipKey, portKey, portNameIn } from './keys.js';
export { type MergeConflict, type MergedGraph, mergeGraphs } from './merge.js';
export {
  type Edge,
  type ExportedPort,
  emptyGraph,
  type Graph,
  type GraphHead,
  type Group,
  type Iip,
  type Metadata,
  type Node,
} from './model.js';
export { GraphPositions, type Located } from './positions.js';
export type { GraphProblem } from './problems.js';
export { readGraph } from './read.js';
export { type DeadLetterEdge, type ResolvedEdge, type ResolvedEdges, resolveEdges } from './resolve.js';
export type { GraphDocument, GraphSource } from './source.js';
export { assertValid, checkPorts, type KnownPorts, validateGraph } from './validate.js';
export { type BindingKind, isVirtual, participantNodes, VIRTUAL_COMPONENTS, virtualPorts } from './virtual.js';
