import createDebug from 'debug';

/** Where a part of msgflo says what happens: `debug` only under `DEBUG=msgflo*`, the others always, on stderr. */
export interface Logger {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  /** Warns the first time `key` is given and stays silent (but under DEBUG) afterwards. */
  warnOnce(key: string, text: string): void;
}

/**
 * A logger whose lines start with `name: `. At most 1,000 `warnOnce` keys are remembered. What is told comes from
 * anybody's messages, too: no control characters reach the terminal.
 */
export function createLogger(name: string, write: (line: string) => void = toStderr): Logger {
  const debug = createDebug(`msgflo:${name}`);
  const said = new Set<string>();
  const print = (text: string): void => write(`${name}: ${text.replace(CONTROL, '?')}\n`);
  return {
    debug: (text) => debug(text),
    info: print,
    warn: print,
    warnOnce(key, text) {
      if (said.has(key) || said.size >= 1000) return debug(text);
      said.add(key);
      print(text);
    },
  };
}

const CONTROL = /[^\P{Cc}\n\t]/gu;

/** Says nothing: for specs and for tools whose output is read by programs. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, warnOnce() {} };

function toStderr(line: string): void {
  process.stderr.write(line);
}
