import { createRequire } from 'node:module';
import type { Ajv as AjvClass, ErrorObject, ValidateFunction } from 'ajv';

const text = { type: 'string', maxLength: 10_000 } as const;
const name = { type: 'string', minLength: 1, maxLength: 1000 } as const;

/** What other libraries send that we do not know is let through by the schema and dropped when normalising. */
const port = {
  type: 'object',
  required: ['id'],
  properties: {
    id: name,
    queue: { anyOf: [name, { enum: ['', null] }] },
    type: { type: ['string', 'null'] },
    description: { type: ['string', 'null'] },
    schema: { type: ['string', 'object', 'null'] },
    options: { type: ['object', 'null'] },
    hidden: { type: ['boolean', 'null'] },
    sources: { type: 'array', items: name, maxItems: 10_000 },
  },
} as const;

const ports = { anyOf: [{ type: 'array', items: port, maxItems: 1000 }, { type: 'null' }] } as const;

const definition = {
  type: 'object',
  required: ['id', 'role', 'component'],
  properties: {
    id: name,
    role: name,
    component: name,
    label: { anyOf: [text, { type: 'null' }] },
    icon: { anyOf: [text, { type: 'null' }] },
    inports: ports,
    outports: ports,
    type: { type: ['string', 'null'] },
    version: { type: ['string', 'number', 'null'] },
    inqueue: { type: ['string', 'null'] },
    outqueue: { type: ['string', 'null'] },
    wiring: { type: ['integer', 'null'] },
    wired: { type: ['string', 'null'] },
  },
} as const;

const wiring = {
  type: 'object',
  required: ['wiring', 'role', 'graph', 'iips', 'inports', 'outports', 'hash'],
  properties: {
    wiring: { const: 1 },
    role: name,
    graph: { type: 'string' },
    run: { type: 'string' },
    hash: name,
    iips: {
      type: 'array',
      items: { type: 'object', required: ['port', 'data', 'key'], properties: { port: name, key: name } },
    },
    inports: { type: 'object', additionalProperties: { type: 'array', items: name } },
    outports: { type: 'object', additionalProperties: { enum: ['unconnected', 'waiting', 'ready'] } },
  },
} as const;

const schemas = { definition, wiring };

/** Checks a value against one of the schemas; gives the first thing wrong in words, or undefined. */
export type Check = (kind: keyof typeof schemas, value: unknown) => string | undefined;

/** The validator is loaded when the first message comes: a participant that only sends starts without it. */
export function createCheck(): Check {
  const compiled = new Map<string, ValidateFunction>();
  const compile = (kind: keyof typeof schemas): ValidateFunction => {
    const { Ajv } = createRequire(import.meta.url)('ajv') as { Ajv: typeof AjvClass };
    const validate = new Ajv({ allowUnionTypes: true }).compile(schemas[kind]);
    compiled.set(kind, validate);
    return validate;
  };
  return (kind, value) => {
    const validate = compiled.get(kind) ?? compile(kind);
    return validate(value) ? undefined : inWords(validate.errors?.[0]);
  };
}

function inWords(error: ErrorObject | undefined): string {
  if (!error) return 'it does not fit the schema';
  const where = error.instancePath === '' ? 'it' : error.instancePath.slice(1).replaceAll('/', '.');
  return `${where} ${error.message ?? 'does not fit the schema'}`;
}
