import type { Metadata } from '../graph/index.js';

/** Gives a value as the protocol wants it, or undefined where it does not fit. */
type Fit = (value: unknown) => unknown;

const integer: Fit = (value) => (typeof value === 'number' ? Math.round(value) : undefined);
const text: Fit = (value) => (typeof value === 'string' ? value : undefined);
const truth: Fit = (value) => (typeof value === 'boolean' ? value : undefined);
const address: Fit = (value) => (typeof value === 'string' && URL.canParse(value) ? value : undefined);

/** Metadata as clients are told of it: free, but for keys that the protocol gives a type; what does not fit is left out. */
export const nodeMetadata = fitting({ x: integer, y: integer });
export const edgeMetadata = fitting({ route: integer, schema: address, secure: truth });
export const groupMetadata = fitting({ description: text });

function fitting(typed: Readonly<Record<string, Fit>>): (metadata?: Metadata) => Metadata {
  const fit = ([key, value]: [string, unknown]): [string, unknown][] => {
    const fits = Object.hasOwn(typed, key) ? typed[key] : undefined;
    const fitted = fits ? fits(value) : value;
    return fitted === undefined ? [] : [[key, fitted]];
  };
  return (metadata = {}) => Object.fromEntries(Object.entries(metadata).flatMap(fit));
}
