import type { Proc } from './proc.js';
import type { ProcTable } from './proc-table.js';

type Signals = readonly (AbortSignal | undefined)[];

/** Resolves when `isOver` says so; asked now and at every notice. @throws the reason of the first signal that aborts */
function until(subscribe: (notice: () => void) => () => void, isOver: () => boolean, signals: Signals): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = signals.find((signal) => signal?.aborted);
    if (aborted) return reject(aborted.reason);
    if (isOver()) return resolve();
    const end = (): void => {
      unsubscribe();
      for (const signal of signals) signal?.removeEventListener('abort', abort);
    };
    const abort = ({ currentTarget }: Event): void => {
      end();
      reject(currentTarget instanceof AbortSignal ? currentTarget.reason : undefined);
    };
    const unsubscribe = subscribe(() => {
      if (!isOver()) return;
      end();
      resolve();
    });
    for (const signal of signals) signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Resolves when the procs, or all, have acknowledged everything; those that are disabled or gone are not waited for. */
export function caughtUp(table: ProcTable, names: readonly string[] | undefined, signals: Signals): Promise<void> {
  const waited = names?.map((name) => table.need(name));
  const isBusy = (proc: Proc): boolean => proc.isActive && !proc.isDestroyed && !proc.isDone;
  return until(
    (notice) => table.wakeups.onProc(notice),
    () => ![...(waited ?? table.procs)].some(isBusy),
    signals,
  );
}

/** Resolves when one of the procs has work. */
export function anyWork(table: ProcTable, names: readonly string[], signals: Signals): Promise<void> {
  return until(
    (notice) => {
      const all = names.map((name) => table.wakeups.onWork(name, notice));
      return () => {
        for (const unsubscribe of all) unsubscribe();
      };
    },
    () => names.some((name) => table.find(name)?.hasWork),
    signals,
  );
}
