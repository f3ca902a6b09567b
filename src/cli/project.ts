import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { MsgfloError, messageOf, UsageError } from '../errors.js';
import {
  assertValid,
  type GraphDocument,
  type GraphPositions,
  type Node,
  readGraph,
  readJson,
  validateGraph,
} from '../graph/index.js';
import { type Library, loadLibrary, type UnknownComponentError } from '../library/index.js';
import type { CliContext } from './command.js';

/** Our executables, by the word that starts a command; they run under this Node whatever PATH says. */
const OWN = ['msgflo', 'msgflo-participant', 'msgflo-script', 'msgflo-register', 'msgflo-register-foreign'];

/** The path of one of our executables. */
export function executable(name: string): string {
  return fileURLToPath(new URL(`../../bin/${name}.js`, import.meta.url));
}

/**
 * Reads and checks a graph file; none gives an empty graph.
 * @throws {UsageError} when it cannot be read
 * @throws {GraphSyntaxError | GraphInvalidError} naming file and line
 */
export async function loadGraph(path: string | undefined): Promise<GraphDocument> {
  if (path === undefined) return readJson('{}', { path: '(no graph file)', name: 'main' });
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const known: Record<string, string> = { ENOENT: 'there is no such file', EISDIR: 'it is a folder' };
    const why = known[error.code ?? ''] ?? messageOf(error);
    throw new UsageError(`cannot read the graph ${path}: ${why}`, { cause: error });
  });
  const document = readGraph(text, { path });
  assertValid(validateGraph(document.graph, document.positions));
  return document;
}

/** A graph names a component that the project does not have. */
export class ComponentMissingError extends MsgfloError {
  readonly code = 'MSGFLO_COMPONENT_MISSING';

  constructor(node: Node, positions: GraphPositions, cause: UnknownComponentError) {
    super(`${positions.where(node)}: ${cause.message}`, { cause });
  }
}

interface LibraryFlags {
  readonly library?: string | undefined;
  readonly componentDir?: string | undefined;
  /** Our executables are left to PATH, for commands that run elsewhere. */
  readonly isPortable?: boolean;
}

/** The components of the project in the working directory. @throws {UsageError} naming what is wrong, and where */
export function loadProjectLibrary(
  { library, componentDir, isPortable }: LibraryFlags,
  context: Pick<CliContext, 'cwd' | 'log'>,
): Promise<Library> {
  return loadLibrary({
    baseDir: context.cwd,
    ownExecutables: isPortable ? {} : Object.fromEntries(OWN.map((name) => [name, executable(name)])),
    log: context.log,
    ...(library === undefined ? {} : { file: library }),
    ...(componentDir === undefined ? {} : { componentDir }),
  });
}
