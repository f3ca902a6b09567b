import { edgeKey, type GraphDocument, GraphPositions, iipKey, type Located } from '../graph/index.js';

/**
 * The places in a document also for parts that are only equal to those in it: what was merged, or kept in a state file,
 * is no longer the very object that was read.
 */
export function positionsByName({ graph, positions }: GraphDocument): GraphPositions {
  let named: ReadonlyMap<string, Located> | undefined;
  return new GraphPositions(positions.path, (part) => {
    const own = positions.at(part);
    if (own) return own;
    named ??= new Map(
      [...graph.nodes, ...graph.edges, ...graph.iips, ...graph.inports, ...graph.outports, ...graph.groups].map(
        (one) => [nameOf(one), one],
      ),
    );
    const same = named.get(nameOf(part));
    return same && positions.at(same);
  });
}

function nameOf(part: Located): string {
  if ('component' in part) return `node ${part.role}`;
  if ('from' in part) return `edge ${edgeKey(part)}`;
  if ('to' in part) return `iip ${iipKey(part)}`;
  if ('target' in part) return `port ${part.name} ${part.target.role} ${part.target.port}`;
  return `group ${part.name}`;
}
