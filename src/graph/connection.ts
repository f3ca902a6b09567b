import { asRole } from '../names.js';
import { portNameIn } from './keys.js';
import type { Edge, Iip, Metadata } from './model.js';

/** One end of a connection in FBP JSON. */
export interface ConnectionEnd {
  readonly process: string;
  readonly port: string;
  readonly index?: number | null;
}

/** A connection in FBP JSON: an edge, or an IIP where there is `data`. */
export interface Connection {
  readonly src?: ConnectionEnd;
  readonly tgt: ConnectionEnd;
  readonly data?: unknown;
  readonly metadata?: Metadata;
}

/** Empty metadata say nothing and are left out, so that graphs compare. */
export const withMetadata = (metadata: Metadata | undefined): { readonly metadata?: Metadata } =>
  metadata && Object.keys(metadata).length > 0 ? { metadata } : {};

/** An IIP unless there is a `src`. */
export function toEdgeOrIip(connection: Connection, caseSensitive: boolean): Edge | Iip {
  const { src, tgt, data } = connection;
  const to = toEnd(tgt, caseSensitive);
  const metadata = withMetadata(connection.metadata);
  return src ? { from: toEnd(src, caseSensitive), to, ...metadata } : { data, to, ...metadata };
}

export function fromEdgeOrIip(part: Edge | Iip): Connection {
  const tgt = fromEnd(part.to);
  const metadata = withMetadata(part.metadata);
  return 'from' in part ? { src: fromEnd(part.from), tgt, ...metadata } : { data: part.data, tgt, ...metadata };
}

function toEnd({ process, port, index }: ConnectionEnd, caseSensitive: boolean): Edge['to'] {
  const ref = { role: asRole(process), port: portNameIn({ caseSensitive }, port) };
  return index === undefined || index === null ? ref : { ...ref, index };
}

const fromEnd = ({ role, port, index }: Edge['to']): ConnectionEnd => ({
  process: role,
  port,
  ...(index !== undefined && { index }),
});
