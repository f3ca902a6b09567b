/** The editor that is offered where none is configured. */
export const DEFAULT_IDE = 'http://app.flowhub.io';

export interface LiveUrlParts {
  /** The address of the editor. @default DEFAULT_IDE */
  readonly ide?: string;
  /** Where the runtime listens: `ws://host:port`. */
  readonly address: string;
  /** The runtime's id; editors show a runtime as offline that answers with another. */
  readonly id: string;
}

/** Where to open the network in a visual editor. */
export function liveUrl({ ide = DEFAULT_IDE, address, id }: LiveUrlParts): string {
  return `${ide}#runtime/endpoint?${encodeURIComponent(`protocol=websocket&address=${address}&id=${id}`)}`;
}

/** The line that scripts look for on stdout. */
export function liveUrlLine(parts: LiveUrlParts): string {
  return `Open in Flowhub: ${liveUrl(parts)}`;
}
