import { canonicalJson } from '../support/index.js';
import { withoutNullMetadata } from './decorated.js';
import type { EdgeEnd, Edited, EditOf } from './edit.js';
import { knownPort, mayMean, sameEnd } from './edit-checks.js';
import { EditRefusedError } from './errors.js';
import type { Graph } from './model.js';

/** Several may go to one port. */
export function addIip(graph: Graph, edit: EditOf<'add-iip'>): Edited {
  const iip = withoutNullMetadata(edit.iip);
  if (iip.data === undefined) throw new EditRefusedError(edit, 'it has no data');
  knownPort(graph, iip.to, 'inport', edit);
  return { graph: { ...graph, iips: [...graph.iips, iip] }, changes: [{ do: 'add-iip', iip }] };
}

/** The latest of the port, or the latest of those with equal data. */
export function removeIip(graph: Graph, edit: EditOf<'remove-iip'>): Edited {
  const { iips } = graph;
  const at = meantIip(graph, edit, sameEnd) ?? meantIip(graph, edit, mayMean);
  const iip = at === undefined ? undefined : iips[at];
  if (!iip)
    throw new EditRefusedError(
      edit,
      `the graph has no ${edit.data === undefined ? 'IIP there' : 'IIP of these data there'}`,
    );
  return {
    graph: { ...graph, iips: iips.filter((_iip, nth) => nth !== at) },
    changes: [{ do: 'remove-iip', to: iip.to, data: iip.data }],
  };
}

function meantIip(
  { iips }: Graph,
  { to, data }: EditOf<'remove-iip'>,
  isMeant: (asked: EdgeEnd, end: EdgeEnd) => boolean,
): number | undefined {
  const wanted = canonicalJson(data);
  const at = iips.findLastIndex(
    (iip) => isMeant(to, iip.to) && (data === undefined || canonicalJson(iip.data) === wanted),
  );
  return at < 0 ? undefined : at;
}
