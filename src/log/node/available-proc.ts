import type { ClaimDesk } from './claim-desk.js';
import type { Claim } from './log-claims.js';
import type { ProcOptions } from './log-procs.js';
import type { Proc } from './proc.js';
import { type ProcTable, positive } from './proc-table.js';

export interface WantedProc {
  readonly topic: string;
  readonly options: ProcOptions;
}

/** A claim of one of these: those that do not exist yet first, then those served longest ago. */
export async function claimAvailable(
  table: ProcTable,
  desk: ClaimDesk,
  wanted: readonly WantedProc[],
): Promise<Claim | undefined> {
  const isNew = new Set(wanted.filter(({ options }) => !table.find(options.name)));
  const found: { readonly proc: Proc; readonly count: number; readonly rank: number }[] = [];
  for (const one of wanted) {
    const proc = await table.ensure(one.topic, one.options);
    const count = positive(one.options.count, proc.definition.count);
    found.push({ proc, count, rank: isNew.has(one) ? -1 : proc.servedAt });
  }
  for (const { proc, count } of found.sort((a, b) => a.rank - b.rank)) {
    const [claim] = proc.hasWork ? await desk.claim(proc, 1, count) : [];
    if (claim) return claim;
  }
  return undefined;
}
