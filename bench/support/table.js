import { short } from './figures.js';

/** @param {readonly import('../run.js').Row[]} rows */
export function formatTable(rows) {
  const cells = [
    ['what', 'ours', 'peer', 'ratio', 'target'],
    ...rows.map(({ what, ours, peer, ratio, target, met }) => [
      what,
      short(ours),
      peer === undefined ? '' : short(peer),
      ratio === undefined ? '' : ratio.toFixed(2),
      target === undefined ? '' : `${target}${met ? '' : ': MISSED'}`,
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const line = (/** @type {readonly string[]} */ row) =>
    row.map((cell, column) =>
      column === 0 || column === 4 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
  return cells.map((row) => `${line(row).join('  ').trimEnd()}\n`).join('');
}
