import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program of the log, as `fork` takes it: its path, and what Node needs to run it from sources. */
export interface Program {
  readonly path: string;
  readonly execArgv: readonly string[];
}

/**
 * @param name below `log/`, without extension. The path is the same from the sources, from one file of the build, and from
 * the shared pieces that lie beside it.
 */
export function programOf(name: string): Program {
  const extension = extname(fileURLToPath(import.meta.url));
  const path = fileURLToPath(new URL(`../log/${name}${extension}`, import.meta.url));
  return { path, execArgv: extension === '.ts' ? process.execArgv : [] };
}
