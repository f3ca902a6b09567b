import { resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { type Logger, silentLogger } from '../support/index.js';
import { type LibraryConfig, readConfig } from './config.js';
import { isPathPattern } from './glob.js';
import { defaultHandlers, languageOf } from './languages.js';
import { type ComponentInfo, Library } from './library.js';
import { scan } from './scan.js';
import { expandVariables } from './template.js';

export interface LibraryOptions {
  /** The project: relative paths start here. @default the working directory */
  readonly baseDir?: string;
  /** Configuration that must exist. @default `package.json` of the project, which need not */
  readonly file?: string;
  /** Folder of components that must exist. @default `participants` of the project, which need not */
  readonly componentDir?: string;
  /** See `LibraryContent`. @default {} */
  readonly ownExecutables?: Readonly<Record<string, string>>;
  /** Told of files left out. */
  readonly log?: Logger;
}

/**
 * Reads a project's component configuration and looks for its component files.
 *
 * @throws {UsageError} naming the file and field, or the folder, that is wrong
 */
export async function loadLibrary(options: LibraryOptions = {}): Promise<Library> {
  const baseDir = resolve(options.baseDir ?? '.');
  const file = resolve(baseDir, options.file ?? 'package.json');
  const config = await readConfig(file);
  if (!config && options.file !== undefined) throw new UsageError(`the library file ${file} does not exist`);
  const { namespace, repository } = config ?? {};
  const componentDir = resolve(baseDir, options.componentDir ?? 'participants');
  const handlers = { ...defaultHandlers, ...config?.handlers };
  const found = await scan({
    baseDir,
    componentDir,
    mustExist: options.componentDir !== undefined,
    handlers,
    log: options.log ?? silentLogger,
  });
  const fromFiles = found.map(({ name, path, template }) => {
    const language = languageOf(path);
    return { name: namespace ? `${namespace}/${name}` : name, template, path, language };
  });
  return new Library({
    components: withVariables(file, config ?? {}, fromFiles),
    baseDir,
    componentDir,
    extensions: Object.keys(handlers).filter((key) => !isPathPattern(key)),
    ...(namespace && { namespace }),
    ...(repository && { repository: typeof repository === 'string' ? repository : repository.url }),
    ownExecutables: options.ownExecutables ?? {},
  });
}

/** All components, commands given by name in place of files, with the variables of the project in their templates. */
function withVariables(
  file: string,
  config: LibraryConfig,
  fromFiles: readonly ComponentInfo[],
): readonly ComponentInfo[] {
  const all = new Map(fromFiles.map((info) => [info.name, info]));
  for (const [name, template] of Object.entries(config.components ?? {})) {
    const full = all.has(`${config.namespace}/${name}`) ? `${config.namespace}/${name}` : name;
    all.set(full, { ...all.get(full), name: full, template });
  }
  try {
    return [...all.values()].map((info) => ({
      ...info,
      template: expandVariables(info.template, config.variables ?? {}),
    }));
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}
