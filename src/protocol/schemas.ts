import type { SchemaObject } from 'ajv';

/**
 * What the payloads of requests must look like. Fields that are not named are let through and ignored: clients of older
 * and newer versions send more. `graph` is checked by `graphOf`, whose wording clients rely on.
 */
export const object = (properties: object, required: readonly string[] = []): SchemaObject => ({
  type: 'object',
  required,
  properties,
});

/** Of nodes, components, ports, groups: what is longer is no name. */
const MAX_NAME_CHARS = 1000;

export const name = { type: 'string', minLength: 1, maxLength: MAX_NAME_CHARS };
export const optionalText = { type: 'string', nullable: true };
export const metadata = { type: 'object' };

/** An `EndMessage`: `src` and `tgt` of an edge. */
export const end = object({ node: name, port: name, index: { type: ['number', 'string'], nullable: true } }, [
  'node',
  'port',
]);

export const anyPayload = object({});
