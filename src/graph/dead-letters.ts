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
