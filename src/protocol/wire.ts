/** The version of the FBP runtime protocol that is spoken: 0.8 is 0.7 with `requestId` and a secret at top level. */
export const PROTOCOL_VERSION = '0.8';

/** What kind of runtime this is. Editors send no edits for a graph whose `environment.type` is another. */
export const RUNTIME_TYPE = 'msgflo';

export const SUB_PROTOCOLS = ['runtime', 'graph', 'component', 'network', 'trace'] as const;
export type SubProtocol = (typeof SUB_PROTOCOLS)[number];

export function isSubProtocol(text: unknown): text is SubProtocol {
  return SUB_PROTOCOLS.some((name) => name === text);
}

/** A message of a client whose outer shape is right, without its secret; whether anybody answers it is not known yet. */
export interface Request {
  readonly protocol: SubProtocol;
  readonly command: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The answers carry it as `responseTo`. */
  readonly requestId?: string;
}

/** A message to a client. `payload` is an object but for `component:componentsready`, where it is a number. */
export interface Outgoing {
  readonly protocol: SubProtocol;
  readonly command: string;
  readonly payload: unknown;
  readonly responseTo?: string;
}

/** A message as a frame. */
export function frameOf({ protocol, command, payload, responseTo }: Outgoing): string {
  return JSON.stringify({ protocol, command, payload, ...(responseTo !== undefined && { responseTo }) });
}

/** Peers' own words in an answer or a log, bounded. */
export function excerpt(text: string, maxChars = 80): string {
  return text.length > maxChars ? `${text.slice(0, maxChars)}...` : text;
}
