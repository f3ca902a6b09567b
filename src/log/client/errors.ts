/**
 * What a node answered to a call that it did not carry out, or what became of the connection. Code and message are the
 * same plain text, which programs of PipeProc compare.
 */
export class LogCallError extends Error {
  readonly code: string;
  /** What was wrong, for people; empty when the code says it all. */
  readonly detail: string;
  constructor(code: string, detail = '', options?: ErrorOptions) {
    super(code, options);
    this.code = code;
    this.detail = detail;
  }
  override get name(): string {
    return 'LogCallError';
  }
}
