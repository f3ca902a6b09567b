import type { InqueueOptions } from './log-bindings.js';
import type { ProcState } from './log-procs.js';
import { INQUEUE } from './names.js';
import type { ProcTable } from './proc-table.js';

const KEYS = ['maxClaims', 'maxReclaims', 'reclaimTimeout', 'deadletter'] as const;

/** The proc of an inqueue; one that exists takes over the options given. */
export async function inqueueProc(table: ProcTable, queue: string, options: InqueueOptions): Promise<ProcState> {
  const name = INQUEUE + queue;
  const proc = await table.ensure(queue, { ...options, name, offset: '>', onMaxReclaimsReached: 'deadletter' });
  const { maxClaims, maxReclaims, reclaimTimeout, deadletter } = proc.definition;
  const now: InqueueOptions = { maxClaims, maxReclaims, reclaimTimeout, deadletter };
  const wanted = { ...now, ...options };
  return KEYS.every((key) => wanted[key] === now[key]) ? proc.state : await table.update(proc, options);
}
