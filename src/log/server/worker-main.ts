/**
 * A worker: a process that runs processors for a node, one job after another or several at once, as they come. It ends
 * when the node lets go of it.
 */
import { messageOf } from '../../errors.js';
import { isRecord } from '../../support/index.js';
import { type Job, type JobResult, readJob } from './worker-jobs.js';

type Done = (error: unknown, data?: unknown) => void;
type Run = (log: unknown, done: Done) => unknown;

/** Imported once each; a module that cannot be imported may be there at the next try. */
const processors = new Map<string, Run>();

async function processorOf(specifier: string): Promise<Run> {
  const known = processors.get(specifier);
  if (known) return known;
  const loaded: unknown = await import(specifier);
  const run = exportedRun(loaded);
  if (!run) throw new Error(`${specifier.slice(0, 200)} exports no function`);
  processors.set(specifier, run);
  return run;
}

/** The default export, also of CommonJS, and of CommonJS made from ES modules. */
function exportedRun(loaded: unknown): Run | undefined {
  let value = loaded;
  for (let depth = 0; depth < 3 && isRecord(value); depth += 1) value = value['default'];
  return isRun(value) ? value : undefined;
}

function isRun(value: unknown): value is Run {
  return typeof value === 'function';
}

async function execute({ job, processor, records }: Job): Promise<JobResult> {
  try {
    const run = await processorOf(processor);
    const list: unknown[] = JSON.parse(records);
    const data = await resultOf(run, list.length === 1 ? list[0] : list);
    const outputs = data === undefined || data === null ? [] : [data].flat();
    return { job, outputs: outputs.map(textOf) };
  } catch (error) {
    return { job, outputs: [], error: messageOf(error) };
  }
}

/** By `done` or by a promise, whichever is first; a function that takes no `done` may return its data as well. */
async function resultOf(run: Run, log: unknown): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const result = run(log, (error, data) => {
      if (error) reject(error);
      else resolve(data);
    });
    if (isThenable(result) || run.length < 2) resolve(result);
  });
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}

function textOf(body: unknown): string {
  if (typeof body !== 'object' || body === null) throw new TypeError('a processor gives objects');
  return JSON.stringify(body);
}

process.on('message', (message) => {
  const job = readJob(message);
  if (job)
    void execute(job).then((result) => {
      if (process.connected) process.send?.(result, () => undefined);
    });
});
// Whoever started the node may stop it with Ctrl-C: what is in hand here is finished first.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL')); // whatever a processor has left open
