import type { Ajv as AjvClass, ErrorObject, SchemaObject } from 'ajv';
import { newAjv } from '../support/index.js';
import { RequestError } from './errors.js';

/** The payload, known to fit. @throws {RequestError} saying what is wrong with which field, without its value. */
export type PayloadCheck = <P>(schema: SchemaObject, payload: unknown) => P;

/** The validator is loaded at the first message; it compiles each schema once. */
export function createPayloadCheck(): PayloadCheck {
  let ajv: AjvClass | undefined;
  return <P>(schema: SchemaObject, payload: unknown): P => {
    ajv ??= newAjv();
    const validate = ajv.compile<P>(schema);
    if (validate(payload)) return payload;
    throw new RequestError(inWords(validate.errors?.[0]));
  };
}

function inWords(error: ErrorObject | undefined): string {
  const where = error?.instancePath ? error.instancePath.slice(1).replaceAll('/', '.') : 'payload';
  return `${where} ${error?.message ?? 'does not fit'}`;
}
