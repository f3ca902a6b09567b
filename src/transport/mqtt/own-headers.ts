type Headers = Readonly<Record<string, string>>;

/** On a message that a leaving client gave back: an earlier attempt may have been made. */
export const REDELIVERED_HEADER = 'msgflo-redelivered';
/** The credit of a message that has an id of its author's. */
export const CREDIT_HEADER = 'msgflo-credit';
/** On a kept dead letter: its payload is empty, and what is there stands for that. */
export const EMPTY_HEADER = 'msgflo-empty';

/** Without the headers that clients of this transport tell each other. */
export function withoutOurs(headers: Headers): Headers {
  if (!Object.hasOwn(headers, REDELIVERED_HEADER) && !Object.hasOwn(headers, CREDIT_HEADER)) return headers;
  const { [REDELIVERED_HEADER]: _givenBack, [CREDIT_HEADER]: _credit, ...own } = headers;
  return own;
}
