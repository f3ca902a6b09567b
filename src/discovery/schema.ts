import type { ErrorObject, ValidateFunction } from 'ajv';
import { newAjv } from '../support/index.js';
import { MAX_NAME_CHARS } from './names.js';

const text = { type: 'string', maxLength: 10_000 } as const;
const name = { type: 'string', minLength: 1, maxLength: MAX_NAME_CHARS } as const;

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

/** Checks the payload of an announcement; gives the first thing wrong in words, or undefined. */
export type Check = (value: unknown) => string | undefined;

/** The validator is loaded when the first announcement comes: those who only make announcements start without it. */
export function createDefinitionCheck(): Check {
  let validate: ValidateFunction | undefined;
  return (value) => {
    validate ??= newAjv().compile(definition);
    return validate(value) ? undefined : inWords(validate.errors?.[0]);
  };
}

function inWords(error: ErrorObject | undefined): string {
  if (!error) return 'it does not fit the schema';
  const where = error.instancePath === '' ? 'it' : error.instancePath.slice(1).replaceAll('/', '.');
  return `${where} ${error.message ?? 'does not fit the schema'}`;
}
