import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ajv as AjvClass, ErrorObject, ValidateFunction } from 'ajv';
import type { Ajv2020 as Ajv2020Class } from 'ajv/dist/2020.js';
import type { FormatsPlugin } from 'ajv-formats';
import { MsgfloError, messageOf, UsageError } from '../errors.js';
import { isRecord, type Logger } from '../support/index.js';
import type { PortSpec } from './component.js';

/** The data of a message does not fit the schema of its port, in the validator's words. Reaches this message only. */
export class SchemaError extends MsgfloError {
  readonly code = 'MSGFLO_PORT_SCHEMA';
}

/** A port's schema cannot be used: the participant does not start. The message names component, port and file. */
export class PortSchemaError extends UsageError {}

type Document = Readonly<Record<string, unknown>>;

export interface SchemaPlace {
  readonly component: string;
  readonly direction: 'inport' | 'outport';
  readonly port: string;
}

/** A larger schema is announced by its address. */
const MAX_ANNOUNCED_BYTES = 16 * 1024;
const MAX_WORDS = 3;
const DRAFT_07 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;
const DRAFT_2020 = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

/** What of a schema a port announces: the schema itself where it is there and small, otherwise its address. */
export function announcedSchema({ schema }: PortSpec): PortSpec['schema'] {
  if (typeof schema !== 'string') return schema;
  try {
    const text = readFileSync(pathOf(schema), 'utf8');
    if (Buffer.byteLength(text) > MAX_ANNOUNCED_BYTES) return schema;
    const document: unknown = JSON.parse(text);
    return isRecord(document) ? document : schema;
  } catch {
    // Where it is checked as well, what is wrong with it ends the start.
    return schema;
  }
}

/** Checks the data of one port against its schema. */
export class PortSchema {
  /** How many messages did not fit. */
  misfits = 0;
  readonly #place: SchemaPlace;
  readonly #isRejecting: boolean;
  readonly #log: Logger;
  readonly #validate: ValidateFunction;

  /**
   * What the port's spec asks for, or undefined. The validator is loaded here: ports without a schema need none.
   * @throws {PortSchemaError} for a schema that is missing, not JSON, not valid, or not of this host
   */
  static of(spec: PortSpec, place: SchemaPlace, log: Logger): PortSchema | undefined {
    const { schema, validate = 'warn' } = spec;
    if (schema === undefined || validate === 'off') return undefined;
    return new PortSchema(place, compiled(schema, place), validate === 'reject', log);
  }

  private constructor(place: SchemaPlace, validate: ValidateFunction, isRejecting: boolean, log: Logger) {
    this.#place = place;
    this.#validate = validate;
    this.#isRejecting = isRejecting;
    this.#log = log;
  }

  /** @param data as JSON has it; bytes are not JSON @throws {SchemaError} where what does not fit is rejected */
  check(data: unknown): void {
    const misfit = this.#misfitOf(data);
    if (!misfit) return;
    this.misfits += 1;
    const { direction, port } = this.#place;
    const text = `${direction} '${port}': the data does not fit the schema: ${misfit.words}`;
    if (this.#isRejecting) throw new SchemaError(text);
    this.#log.warnOnce(`schema ${direction} ${port} ${misfit.where}`, text);
  }

  /** `where`: in the schema. Paths in data are without end, those are not. */
  #misfitOf(data: unknown): { readonly words: string; readonly where: string } | undefined {
    if (data instanceof Uint8Array) return { words: `it is ${data.length} bytes that are not JSON`, where: 'bytes' };
    try {
      if (this.#validate(data)) return undefined;
    } catch (error) {
      // Data may be nested deeper than the validator can follow.
      return { words: `it cannot be checked: ${messageOf(error)}`, where: 'check' };
    }
    const errors = this.#validate.errors ?? [];
    return { words: inWords(errors), where: errors[0]?.schemaPath ?? '' };
  }
}

function compiled(schema: string | Document, place: SchemaPlace): ValidateFunction {
  const { component, direction, port } = place;
  const which = typeof schema === 'string' ? `the schema ${schema}` : 'its schema';
  try {
    return validatorFor(typeof schema === 'string' ? readDocument(schema) : schema);
  } catch (error) {
    const text = `component '${component}', ${direction} '${port}': ${which} ${messageOf(error)}`;
    throw new PortSchemaError(text, { cause: error });
  }
}

function readDocument(address: string): Document {
  const path = pathOf(address);
  const document = parsed(textOf(path), path);
  if (!isRecord(document)) throw new Error('is no JSON object');
  return document;
}

/** Nothing is fetched from elsewhere: a participant must not need the network to start, nor trust it. */
function pathOf(address: string): string {
  if (address.startsWith('file:')) return fileURLToPath(address);
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(address)?.[1];
  if (scheme !== undefined) throw new Error(`cannot be loaded over ${scheme}: give a local file, or the schema itself`);
  return resolve(address);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new Error(`cannot be read: ${isAbsent ? `there is no file ${path}` : messageOf(error)}`);
  }
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`is not JSON (${path}): ${messageOf(error)}`);
  }
}

/** A validator each: two schemas may have the same `$id`. References lead nowhere but into the document. */
function validatorFor(document: Document): ValidateFunction {
  const require = createRequire(import.meta.url);
  const { default: addFormats } = require('ajv-formats') as { default: FormatsPlugin };
  // What a schema says beyond the standard is for others to read, such as units and examples.
  const validator = new (validatorClass(document.$schema, require))({ strict: false, logger: false });
  addFormats(validator);
  try {
    return validator.compile(document);
  } catch (error) {
    throw new Error(`is not valid: ${messageOf(error)}`);
  }
}

function validatorClass($schema: unknown, require: NodeJS.Require): typeof AjvClass | typeof Ajv2020Class {
  if ($schema === undefined || ($schema !== null && DRAFT_2020.test(String($schema)))) {
    const { Ajv2020 } = require('ajv/dist/2020.js') as { Ajv2020: typeof Ajv2020Class };
    return Ajv2020;
  }
  if (!DRAFT_07.test(String($schema))) {
    throw new Error(
      `is of a kind that is not known here: its $schema is ${JSON.stringify($schema)}, not draft-07 or 2020-12`,
    );
  }
  const { Ajv } = require('ajv') as { Ajv: typeof AjvClass };
  return Ajv;
}

function inWords(errors: readonly ErrorObject[]): string {
  const words = [...new Set(errors.map(wordsOf))];
  const more = words.length > MAX_WORDS ? `; and ${words.length - MAX_WORDS} more` : '';
  return words.slice(0, MAX_WORDS).join('; ') + more;
}

function wordsOf({ instancePath, message, keyword, params }: ErrorObject): string {
  const where = instancePath === '' ? 'it' : instancePath.slice(0, 200);
  return `${where} ${message ?? 'does not fit'}${detailOf(keyword, params)}`;
}

/** What the validator's own message leaves out. */
function detailOf(keyword: string, params: Readonly<Record<string, unknown>>): string {
  const detail =
    keyword === 'additionalProperties' || keyword === 'unevaluatedProperties'
      ? (params.additionalProperty ?? params.unevaluatedProperty)
      : keyword === 'enum'
        ? params.allowedValues
        : keyword === 'const'
          ? params.allowedValue
          : undefined;
  return detail === undefined ? '' : `: ${JSON.stringify(detail).slice(0, 200)}`;
}
