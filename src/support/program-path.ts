import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program of ours, as `fork` takes it: its path, and what Node needs to run it from sources. */
export interface Program {
  readonly path: string;
  readonly execArgv: readonly string[];
}

/**
 * @param name below the sources, without extension: `embedded/main`. The path is the same from the sources, from one file
 * of the build, and from the shared pieces that lie beside it: all of these lie one folder below the top.
 */
export function programOf(name: string): Program {
  const extension = extname(fileURLToPath(import.meta.url));
  const path = fileURLToPath(new URL(`../${name}${extension}`, import.meta.url));
  return { path, execArgv: extension === '.ts' ? process.execArgv : [] };
}
