import { parse } from 'shell-quote';
import { UsageError } from '../errors.js';

/** What stands for `#ROLE` and the like in one start of one component. */
export type Values = Readonly<Partial<Record<ValueName, string>>>;
type ValueName = 'ROLE' | 'FILENAME' | 'COMPONENT' | 'COMPONENTNAME' | 'IIPS';

const valueName = /#(ROLE|FILENAME|COMPONENTNAME|COMPONENT|IIPS)/g;

/**
 * Writes the project's `variables` into a template as text, so that one may hold several words. They may refer to one
 * another and to the values of a start, which stay as they are.
 *
 * @throws {UsageError} naming the variables that refer to each other in a circle
 */
export function expandVariables(template: string, variables: Readonly<Record<string, string>>): string {
  const byMarker = new Map<string, string>();
  for (const [name, text] of Object.entries(variables)) {
    byMarker.set(name, text).set(name.toUpperCase(), text);
  }
  if (byMarker.size === 0) return template;
  const longestFirst = [...byMarker.keys()].sort((a, b) => b.length - a.length);
  const marker = new RegExp(`#(${longestFirst.map((name) => name.replace(/[^\w]/g, '\\$&')).join('|')})`, 'g');
  const expand = (text: string, within: readonly string[]): string =>
    text.replace(marker, (_whole, name: string) => {
      if (within.includes(name)) {
        const circle = [...within.slice(within.indexOf(name)), name];
        throw new UsageError(`variables refer to each other in a circle: ${circle.join(' -> ')}`);
      }
      return expand(byMarker.get(name) ?? '', [...within, name]);
    });
  return expand(template, []);
}

/**
 * The arguments of a command without a shell: split as a POSIX shell would, substituted afterwards, so that no value can
 * become two arguments. A `#` that starts no known name is an ordinary character.
 *
 * @throws {UsageError} for what only a shell could do: operators, globs, `$NAME`, backticks, an open quote, a value that is missing
 */
export function argumentsOf(template: string, values: Values, owner: string): readonly string[] {
  const refuse = (what: string): never => {
    throw new UsageError(`the command of ${owner} ${what}: ${template}`);
  };
  if (hasOpenQuote(template)) refuse('has a quote that is not closed');
  if (withoutQuoted(template).includes('`'))
    refuse('has a backtick, which needs a shell; quote it if it is meant as text');
  if (template.includes('\0')) refuse('contains a NUL character');
  // shell-quote takes an unquoted `#` for a comment, so markers travel through it as NUL, name, NUL.
  const marked = template.replace(valueName, '\0$1\0').replaceAll('#', '\0\0');
  const words = parse(marked, (name) => (name === '' ? '$' : { op: `$${name}` })).map((entry) => {
    if (typeof entry === 'string') return entry;
    if ('pattern' in entry)
      return refuse(`has the pattern ${restore(entry.pattern)}, which needs a shell; quote it if it is meant as text`);
    return refuse(`uses ${'op' in entry ? entry.op : '#'}, which needs a shell; quote it if it is meant as text`);
  });
  if (words.length === 0) refuse('is empty');
  const value = (name: string): string => valueIn(values, name) ?? refuse(`asks for #${name}, which it does not have`);
  return words.map((word) => word.replace(/\0(\w*)\0/g, (_whole, name: string) => (name === '' ? '#' : value(name))));
}

/**
 * The command as text for a POSIX shell. What the template says is left to the shell; values are quoted to fit where they
 * stand, within quotes or outside, so that they stay text.
 *
 * @throws {UsageError} when a value is missing, a quote is open, or the template nests commands: there the quotes in
 *   force cannot be told by looking at it, and a value might become a command
 */
export function shellText(template: string, values: Values, owner: string): string {
  const refuse = (what: string): never => {
    throw new UsageError(`the command of ${owner} ${what}: ${template}`);
  };
  if (/`|\$\(|\$'|<</.test(template))
    refuse("uses $(...), `...`, $'...' or <<, which cannot be filled in safely; put it in a script");
  if (hasOpenQuote(template)) refuse('has a quote that is not closed');
  const fill = (text: string, quote: Quote): string =>
    text.replace(valueName, (_whole, name: string) =>
      quoted(valueIn(values, name) ?? refuse(`asks for #${name}, which it does not have`), quote),
    );
  return template.replace(
    /('[^']*')|("(?:\\[\s\S]|[^"\\])*")|\\[\s\S]|[^'"\\]+/g,
    (part, single?: string, double?: string) => fill(part, single ? 'single' : double ? 'double' : 'none'),
  );
}

/** True when the template hands IIPs over on the command line. */
export function takesIips(template: string): boolean {
  return template.includes('#IIPS');
}

type Quote = 'none' | 'single' | 'double';

function valueIn(values: Values, name: string): string | undefined {
  return Object.entries(values).find(([key]) => key === name)?.[1];
}

function withoutQuoted(template: string): string {
  return template.replace(/\\[\s\S]|'[^']*'|"(?:\\[\s\S]|[^"\\])*"/g, '');
}

function hasOpenQuote(template: string): boolean {
  return /['"]|\\$/.test(withoutQuoted(template));
}

function restore(marked: string): string {
  return marked.replace(/\0(\w*)\0/g, '#$1');
}

function quoted(value: string, within: Quote): string {
  if (within === 'single') return value.replaceAll("'", `'\\''`);
  if (within === 'double') return value.replace(/[\\"$`]/g, '\\$&');
  return /^[\w/.:=@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
