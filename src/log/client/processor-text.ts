import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { LogCallError } from './errors.js';
import type { Processor } from './pipe-proc.js';

/**
 * What a worker imports: the URL of a module, or one that holds the text of a function. A path is looked up as `require`
 * would from the working directory; one that is not found here may be found by the node.
 * @throws {LogCallError} no_valid_processor_provided, also for a function whose text is no code (native, bound)
 */
export function processorText(processor: string | Processor): string {
  if (typeof processor === 'string' && processor !== '') return moduleUrl(processor);
  if (typeof processor !== 'function') throw new LogCallError('no_valid_processor_provided');
  const text = String(processor);
  // A method's text is code within an object only.
  const expression = [`(${text})`, `({${text}})[${JSON.stringify(processor.name)}]`].find(isCode);
  if (!expression) throw new LogCallError('no_valid_processor_provided', 'the text of the function is no code');
  return `data:text/javascript,${encodeURIComponent(`${NAMING}export default ${expression};`)}`;
}

/** What some compilers call in the text of functions to keep their names. */
const NAMING = 'const __name = (value) => value;\n';

function isCode(expression: string): boolean {
  try {
    new Script(expression); // parsed, not run
    return true;
  } catch {
    return false;
  }
}

function moduleUrl(path: string): string {
  if (/^(?:file|data|node):/.test(path)) return path;
  try {
    return pathToFileURL(createRequire(join(process.cwd(), 'from')).resolve(path)).href;
  } catch {
    return path;
  }
}
