/**
 * What the payloads of requests must look like. Fields that are not named here are let through and ignored: clients of
 * older and newer versions send more. `graph` is checked by `graphOf`, whose wording clients rely on.
 */
const object = (properties: object, required: readonly string[] = []): object => ({
  type: 'object',
  required,
  properties,
});

export const anyPayload = object({});
export const sourceRequest = object({ name: { type: 'string', minLength: 1 } }, ['name']);
