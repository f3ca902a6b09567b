import { UsageError } from '../errors.js';

/** A topic filter as MQTT has them: `+` stands for one level, `#` at the end for any number. */
export class TopicPattern {
  readonly text: string;
  readonly #levels: readonly string[];

  /** @throws {UsageError} for a wildcard that is not a level of its own, or `#` before the end ([MQTT-4.7.1-2], [-3]) */
  constructor(text: string) {
    const levels = text.split('/');
    const wrong = levels.some((level, at) => {
      if (level === '#') return at !== levels.length - 1;
      return /[+#]/.test(level) && level !== '+';
    });
    if (text === '' || wrong)
      throw new UsageError(`'${text}' is no topic pattern: + and # are levels of their own, # the last`);
    this.text = text;
    this.#levels = levels;
  }

  /** What the wildcards stand for in a topic, or undefined when it does not match. `#` counts as one, with its slashes. */
  match(topic: string): readonly string[] | undefined {
    const given = topic.split('/');
    // [MQTT-4.7.2-1]: a wildcard at the start does not take the broker's own topics.
    if (topic.startsWith('$') && /^[+#]$/.test(this.#levels[0] ?? '')) return undefined;
    const found: string[] = [];
    for (const [at, level] of this.#levels.entries()) {
      if (level === '#') return [...found, given.slice(at).join('/')];
      const here = given[at];
      if (here === undefined || (level !== '+' && level !== here)) return undefined;
      if (level === '+') found.push(here);
    }
    return given.length === this.#levels.length ? found : undefined;
  }
}
