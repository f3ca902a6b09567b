/** Whole numbers above 0 as text, in any order, neighbours as a range: `1-3,5`. */
export function writeRanges(numbers: Iterable<number>): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let at = 0; at < sorted.length; at += 1) {
    const from = sorted[at] ?? 0;
    let to = from;
    for (let next = sorted[at + 1]; next !== undefined && next <= to + 1; next = sorted[at + 1]) {
      to = next;
      at += 1;
    }
    ranges.push(to === from ? String(from) : `${from}-${to}`);
  }
  return ranges.join(',');
}

/** More numbers than that are no answer of ours. */
const MAX_NUMBERS = 100_000;

/** What `writeRanges` wrote, in rising order; of anything else what can be read. */
export function* readRanges(text: string): Generator<number> {
  let count = 0;
  for (const range of text === '' ? [] : text.split(',')) {
    const dash = range.indexOf('-');
    const from = Number(dash < 0 ? range : range.slice(0, dash));
    const to = dash < 0 ? from : Number(range.slice(dash + 1));
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) continue;
    for (let number = from; number <= to; number += 1) {
      count += 1;
      if (count > MAX_NUMBERS) return;
      yield number;
    }
  }
}
