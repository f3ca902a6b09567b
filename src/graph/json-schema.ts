import type { ErrorObject } from 'ajv';
import { newAjv } from '../support/index.js';
import type { Connection, ConnectionEnd } from './connection.js';
import type { Metadata } from './model.js';

/** FBP JSON as far as we use it; what else a file holds is left alone. */
export interface FbpJson {
  readonly caseSensitive?: boolean;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly processes?: Readonly<
    Record<string, { readonly component?: string | null; readonly metadata?: Metadata | null }>
  >;
  readonly connections?: readonly JsonConnection[];
  readonly inports?: Readonly<Record<string, JsonPort>>;
  readonly outports?: Readonly<Record<string, JsonPort>>;
  readonly groups?: readonly JsonGroup[];
}

interface JsonConnection extends Omit<Connection, 'src' | 'metadata'> {
  readonly src?: ConnectionEnd | null;
  readonly metadata?: Metadata | null;
}

export interface JsonPort {
  readonly process: string;
  readonly port: string;
  readonly metadata?: Metadata | null;
}

interface JsonGroup {
  readonly name: string;
  readonly nodes: readonly string[];
  readonly metadata?: Metadata | null;
}

const metadata = { type: ['object', 'null'] };
const end = {
  type: 'object',
  required: ['process', 'port'],
  properties: {
    process: { type: 'string', minLength: 1 },
    port: { type: 'string', minLength: 1 },
    index: { type: ['integer', 'null'], minimum: 0 },
  },
};
const ports = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    required: ['process', 'port'],
    properties: { process: { type: 'string', minLength: 1 }, port: { type: 'string', minLength: 1 }, metadata },
  },
};
const schema = {
  type: 'object',
  properties: {
    caseSensitive: { type: 'boolean' },
    properties: { type: 'object', properties: { name: { type: 'string' } } },
    processes: {
      type: 'object',
      additionalProperties: { type: 'object', properties: { component: { type: ['string', 'null'] }, metadata } },
    },
    connections: {
      type: 'array',
      items: {
        type: 'object',
        required: ['tgt'],
        properties: { src: { ...end, type: ['object', 'null'] }, tgt: end, metadata },
      },
    },
    inports: ports,
    outports: ports,
    groups: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'nodes'],
        properties: { name: { type: 'string' }, nodes: { type: 'array', items: { type: 'string' } }, metadata },
      },
    },
  },
};

/** What is wrong, by JSON pointer. */
export interface SchemaFault {
  readonly pointer: string;
  readonly what: string;
}

/** The value as FBP JSON, or the first fault of its shape. */
export function checkFbpJson(value: unknown): FbpJson | SchemaFault {
  const validate = newAjv().compile<FbpJson>(schema);
  if (!validate(value)) return faultOf(validate.errors?.[0]);
  const nth = (value.connections ?? []).findIndex((connection) => !connection.src === !('data' in connection));
  if (nth < 0) return value;
  return { pointer: `/connections/${nth}`, what: "needs 'src' (an edge) or 'data' (an IIP), one of the two" };
}

export const isFault = (answer: FbpJson | SchemaFault): answer is SchemaFault => 'pointer' in answer;

function faultOf(error: ErrorObject | undefined): SchemaFault {
  return { pointer: error?.instancePath ?? '', what: error?.message ?? 'is not a graph' };
}
