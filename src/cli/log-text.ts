const KIB = 1024;
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];

/** In the largest unit that leaves a number above one. */
export function sizeOf(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  const power = Math.min(UNITS.length, Math.floor(Math.log(bytes) / Math.log(KIB)));
  return `${(bytes / KIB ** power).toFixed(1)} ${UNITS[power - 1]}`;
}

/** UTC; nothing where there was nothing. Any number may stand in a damaged file. */
export function timeOf(timestampMs: number | undefined): string {
  if (timestampMs === undefined) return '-';
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? String(timestampMs) : date.toISOString();
}

export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
