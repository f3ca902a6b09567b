import { createRequire } from 'node:module';
import type { Ajv as AjvClass } from 'ajv';

/**
 * A validator of JSON Schema, its package loaded only now: a participant or an idle coordinator never needs one, and it takes
 * longer to load, and more memory, than all of theirs.
 */
export function newAjv(): AjvClass {
  const { Ajv } = createRequire(import.meta.url)('ajv') as { Ajv: typeof AjvClass };
  return new Ajv({ allowUnionTypes: true });
}
