import { asPortName, type PortName } from '../names.js';

const PREFIX = 'dead_';

/** The outport that an inport implies: by `dead_in` leaves what `in` could not do, unless the participant has one of that name. */
export const deadLetterPort = (inport: string): PortName => asPortName(`${PREFIX}${inport}`);

/** The inport that an outport of this name would be implied by; `undefined` for a name that is none of that kind. */
export function impliedBy(
  outport: string,
  { caseSensitive }: { readonly caseSensitive: boolean },
): PortName | undefined {
  const start = outport.slice(0, PREFIX.length);
  const isOne = (caseSensitive ? start : start.toLowerCase()) === PREFIX && outport.length > PREFIX.length;
  return isOne ? asPortName(outport.slice(PREFIX.length)) : undefined;
}

/** For whoever asked for an outport in vain that looks like one of these: `; for dead letters: dead_in`, or nothing. */
export function deadLetterHint(outport: string, inports: readonly string[]): string {
  if (!outport.toLowerCase().startsWith(PREFIX) || inports.length === 0) return '';
  return `; for dead letters: ${inports.map(deadLetterPort).join(', ')}`;
}
