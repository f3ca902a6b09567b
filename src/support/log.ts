import createDebug from 'debug';

/** Where a part of msgflo says what happens: `debug` only under `DEBUG=msgflo*`, the others always, on stderr. */
export interface Logger {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  /**
   * Warns the first time `key` is given and stays silent (but under DEBUG) afterwards. Its first word is the kind: of one
   * kind so many are told and no more, so that messages with ever new reasons do not silence what else there is to say.
   */
  warnOnce(key: string, text: string): void;
}

/** Different warnings of one kind, and kinds. */
const MAX_OF_KIND = 100;
const MAX_KINDS = 1000;

/**
 * A logger whose lines start with `name: `. What is told comes from anybody's messages, too: no control characters reach
 * the terminal.
 */
export function createLogger(name: string, write: (line: string) => void = toStderr): Logger {
  const debug = createDebug(`msgflo:${name}`);
  const said = new Map<string, Set<string>>();
  const print = (text: string): void => write(`${name}: ${text.replace(CONTROL, '?')}\n`);
  return {
    debug: (text) => debug(text),
    info: print,
    warn: print,
    warnOnce(key, text) {
      const kind = key.split(' ', 1)[0] ?? '';
      const known = said.get(kind) ?? new Set();
      if (known.has(key) || known.size >= MAX_OF_KIND || (known.size === 0 && said.size >= MAX_KINDS))
        return debug(text);
      said.set(kind, known.add(key));
      print(known.size < MAX_OF_KIND ? text : `${text} (further warnings of the kind are not told)`);
    },
  };
}

const CONTROL = /[^\P{Cc}\n\t]/gu;

/** Says nothing: for specs and for tools whose output is read by programs. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, warnOnce() {} };

function toStderr(line: string): void {
  process.stderr.write(line);
}
