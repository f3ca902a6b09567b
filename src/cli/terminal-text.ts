const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Names, reasons and payloads come from anybody: none may move the cursor of a terminal, or turn what stands beside it around. */
export const printable = (line: string): string => line.replaceAll('\t', '  ').replace(UNPRINTABLE, '?');

/** On one line for programs, whose output may be a terminal after all. */
export function jsonLine(value: object): string {
  return escapedJson(JSON.stringify(value));
}

/** JSON that has no line breaks, in which nothing unprintable is left. */
export function escapedJson(json: string): string {
  return json.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** For one line: a reason may be a whole error page. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Cells in columns as wide as the widest of each. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => rows.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), 0));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
