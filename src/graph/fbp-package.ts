import fbp from 'fbp';

/** The parser gave up at `offset` of the text it was given. */
export class FbpParseError extends Error {
  readonly offset: number;
  constructor(offset: number, what: string, options?: ErrorOptions) {
    super(what, options);
    this.offset = offset;
  }
}

/**
 * Parses one statement or annotation by the grammar of the `fbp` package, unchecked: a connection may name a node that is
 * declared elsewhere.
 * @throws {FbpParseError}
 */
export function parseFbp(text: string, caseSensitive: boolean): fbp.ParsedFbp {
  try {
    return fbp.parse(text, { caseSensitive, validateContents: false });
  } catch (error) {
    throw toParseError(text, error);
  }
}

function toParseError(text: string, error: unknown): FbpParseError {
  if (error instanceof RangeError) return new FbpParseError(0, 'nested too deep', { cause: error });
  const offset = offsetOf(error) ?? 0;
  const found = text.slice(offset, offset + 1);
  if (found === '\t' || text.slice(offset - 1, offset) === '\t') {
    return new FbpParseError(offset, 'a tab cannot stand here, only blanks can', { cause: error });
  }
  if (found === '>' && text.slice(offset - 1, offset) === '-') {
    return new FbpParseError(offset, "'-' belongs to the name before it, put a blank before '->'", { cause: error });
  }
  const unexpected = found === '' ? 'the statement ends too early' : `unexpected ${JSON.stringify(found)}`;
  return new FbpParseError(offset, `${unexpected}${expectation(error)}`, { cause: error });
}

function offsetOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('location' in error)) return undefined;
  const location = error.location as { readonly start?: { readonly offset?: number } } | undefined;
  return location?.start?.offset;
}

/** The grammar's own list of what could stand there, without what can stand anywhere. */
function expectation(error: unknown): string {
  if (!(error instanceof Error) || !('expected' in error) || !Array.isArray(error.expected)) return '';
  const expected = error.expected as readonly { readonly type: string; readonly value?: string }[];
  const literals = expected.flatMap(({ type, value }) => (type === 'literal' && value?.trim() ? [`'${value}'`] : []));
  const names = [...new Set(literals)].filter((name) => !["'#'", "','"].includes(name));
  return names.length > 0 && names.length <= 4 ? `, expected ${names.join(' or ')}` : '';
}
