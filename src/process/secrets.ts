/** Words that are not to be shown, whoever prints them. */
export class Secrets {
  readonly #words = new Set<string>();

  /** From now on. An empty one is none. */
  add(word: string): void {
    if (word !== '') this.#words.add(word);
  }

  /** The text with stars in place of each. */
  masked(text: string): string {
    let shown = text;
    for (const word of this.#words) if (shown.includes(word)) shown = shown.replaceAll(word, '***');
    return shown;
  }
}
