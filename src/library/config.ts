import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ErrorObject } from 'ajv';
import { messageOf, UsageError } from '../errors.js';
import { newAjv } from '../support/index.js';

/** What a project says about its components, in `package.json` under the key `msgflo` or in a JSON file of its own. */
export interface LibraryConfig {
  readonly namespace?: string;
  readonly repository?: string | { readonly url: string };
  /** Texts for command templates; one may refer to another as `#NAME`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Command templates by extension (`.js`) or by path pattern relative to the project (`graphs/*.fbp`). */
  readonly handlers?: Readonly<Record<string, string>>;
  /** Command templates by component name. */
  readonly components?: Readonly<Record<string, string>>;
}

const texts = { type: 'object', additionalProperties: { type: 'string', minLength: 1 } };
const schema = {
  type: 'object',
  properties: {
    namespace: { type: 'string' },
    repository: {
      anyOf: [{ type: 'string' }, { type: 'object', properties: { url: { type: 'string' } }, required: ['url'] }],
    },
    variables: { type: 'object', additionalProperties: { type: 'string' } },
    handlers: texts,
    components: texts,
  },
};

/**
 * The configuration in `path`: what stands under the key `msgflo`, otherwise the whole object, but for a `package.json`
 * whose top level means something else. Unknown keys are left alone.
 *
 * @returns undefined when the file does not exist
 * @throws {UsageError} naming the file, and the field that is wrong
 */
export async function readConfig(path: string): Promise<LibraryConfig | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const whole = parseObject(path, text);
  if (!('msgflo' in whole) && basename(path) === 'package.json') return {};
  const own = 'msgflo' in whole ? whole.msgflo : whole;
  const isConfig = newAjv().compile<LibraryConfig>(schema);
  if (isConfig(own)) return own;
  throw new UsageError(`${path}: ${describe(isConfig.errors ?? [], 'msgflo' in whole ? 'msgflo' : '')}`);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new UsageError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function parseObject(path: string, text: string): object & { readonly msgflo?: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new UsageError(`${path}: not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value;
  throw new UsageError(`${path}: must be an object`);
}

/** `msgflo.handlers['.js'] must be string`, for the first thing that is wrong. */
function describe(errors: readonly ErrorObject[], root: string): string {
  const [first] = errors;
  if (!first) return 'is not a component configuration';
  const steps = first.instancePath.split('/').slice(1);
  const names = steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const field = names.reduce((path, name) => (/^\w+$/.test(name) ? `${path}.${name}` : `${path}['${name}']`), root);
  return `${field.replace(/^\./, '') || 'the configuration'} ${first.message ?? 'is wrong'}`;
}
