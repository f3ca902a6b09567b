import { isUtf8 } from 'node:buffer';
import { messageOf } from '../errors.js';
import type { EdgeEnd } from '../graph/index.js';
import { endMessage } from './edge-ends.js';
import type { EdgeEnds, NetworkEvent } from './network.js';

/** What the running network has to say, as opposed to what becomes of the graph. */
export type DataEvent = Extract<
  NetworkEvent,
  { kind: 'data' | 'packet' | 'output' | 'process-error' | 'error' | 'icon' }
>;

/** A message to whom it may concern. Its payload is JSON text already, so that frames and traces share the work. */
export interface Push {
  readonly protocol: 'network' | 'runtime';
  readonly command: string;
  readonly payload: string;
}

/** Beyond so many bytes of JSON what a message held is not shown. */
const MAX_BYTES = 1024 * 1024;
/** Bytes that one UTF-16 unit takes at most. */
const BYTES_PER_UNIT = 3;

export function frameOf({ protocol, command, payload }: Push): string {
  return `{"protocol":"${protocol}","command":"${command}","payload":${payload}}`;
}

/** `network:data`; without `from` it tells of an IIP. */
export function dataPush(graph: string, { from, to, data }: Partial<EdgeEnds> & Pick<EdgeEnds, 'to'> & Data): Push {
  const head = JSON.stringify({
    id: idOf(from, to),
    ...(from && { src: endMessage(from) }),
    tgt: endMessage(to),
    graph,
  });
  return { protocol: 'network', command: 'data', payload: `${head.slice(0, -1)},"data":${shown(data)}}` };
}

/** `runtime:packet`, of a message that left through an exported outport. */
export function packetPush(graph: string, { port, data }: { readonly port: string } & Data): Push {
  const head = JSON.stringify({ port, event: 'data', graph });
  return { protocol: 'runtime', command: 'packet', payload: `${head.slice(0, -1)},"payload":${shown(data)}}` };
}

/** `network:output`, `network:processerror` or `network:icon`. */
export function wordsPush(graph: string, event: Exclude<DataEvent, { kind: 'data' | 'packet' }>): Push {
  switch (event.kind) {
    case 'output':
      return outputPush(`${event.role}: ${event.line}`);
    case 'process-error':
      return network('processerror', { id: event.role, error: text(event.message), graph });
    case 'error':
      // Editors take any error of a sub-protocol for the failure of what they are waiting for there.
      return outputPush(`msgflo: ${event.message}`);
    case 'icon':
      return network('icon', { id: event.role, icon: event.icon, graph });
  }
}

/** `network:output` for a client that read so slowly that copies for it were dropped. */
export function lossPush(count: number): Push {
  const copies = count === 1 ? '1 copy of a message was' : `${count} copies of messages were`;
  return outputPush(
    `msgflo: ${copies} lost on the way to this editor, which reads too slowly; the network lost nothing`,
  );
}

interface Data {
  readonly data: unknown;
}

function outputPush(message: string): Push {
  return network('output', { message: text(message), type: 'message' });
}

function network(command: string, payload: object): Push {
  return { protocol: 'network', command, payload: JSON.stringify(payload) };
}

/** As a line of .fbp, which is how clients know edges. */
function idOf(from: EdgeEnd | undefined, to: EdgeEnd): string {
  const source = from ? `${from.role}() ${portOf(from)}` : 'DATA';
  return `${source} -> ${portOf(to)} ${to.role}()`;
}

function portOf({ port, index }: EdgeEnd): string {
  return index === undefined ? port.toUpperCase() : `${port.toUpperCase()}[${index}]`;
}

/** JSON of whatever a message held. Never throws: what cannot be shown, or is too long, is a text that says so. */
function shown(data: unknown): string {
  try {
    const json = data instanceof Uint8Array ? shownBytes(data) : (JSON.stringify(data) ?? 'null');
    return isLong(json) ? tooLong(Buffer.byteLength(json)) : json;
  } catch (error) {
    return JSON.stringify(`(not shown: ${messageOf(error).slice(0, 200)})`);
  }
}

/** Bytes that are text as text, others as a data URL. */
function shownBytes(data: Uint8Array): string {
  if (data.byteLength > MAX_BYTES) return tooLong(data.byteLength);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const value = isUtf8(bytes) ? bytes.toString() : `data:application/octet-stream;base64,${bytes.toString('base64')}`;
  return JSON.stringify(value);
}

function text(message: string): string {
  return isLong(message) ? notShown(Buffer.byteLength(message)) : message;
}

function tooLong(bytes: number): string {
  return JSON.stringify(notShown(bytes));
}

function notShown(bytes: number): string {
  return `(not shown: ${(bytes / MAX_BYTES).toFixed(1)} MiB)`;
}

/** Counts bytes only where the number of characters leaves it open. */
function isLong(value: string): boolean {
  if (value.length * BYTES_PER_UNIT <= MAX_BYTES) return false;
  return value.length > MAX_BYTES || Buffer.byteLength(value) > MAX_BYTES;
}
