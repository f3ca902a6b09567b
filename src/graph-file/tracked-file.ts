import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, UsageError } from '../errors.js';
import type { Graph, GraphDocument } from '../graph/index.js';
import { type Content, DiskFile } from './disk-file.js';
import { GraphFileError } from './errors.js';
import { readDocument, renderGraph } from './notation.js';

/** What the graph file says, or why it says nothing. */
export type Said =
  | { readonly kind: 'graph'; readonly graph: Graph }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly lines: readonly string[]; readonly cause: unknown };

/** Another content is believed when it is still there after so long: editors write in several steps. */
const SETTLE_MS = 200;
/** Looks at a file that never keeps still. */
const MAX_LOOKS = 25;

/** The graph file, as far as we took note of what is in it. */
export class TrackedFile {
  readonly path: string;
  readonly #disk: DiskFile;
  #known: Content;
  #said: Said;
  /** The last content that was a graph: what is written starts from it, even after the file was deleted. */
  #good: { readonly text: string; document?: GraphDocument } | undefined;
  /** Of the content when it was last read; undefined when it cannot be relied on. */
  #signature: string | undefined;

  private constructor(disk: DiskFile, content: Content) {
    this.path = disk.path;
    this.#disk = disk;
    this.#known = content;
    this.#said = this.#note(content);
  }

  /** Never fails: see `said`. */
  static async open(path: string): Promise<TrackedFile> {
    const disk = new DiskFile(path);
    await disk.tidy();
    return new TrackedFile(disk, await disk.read());
  }

  get said(): Said {
    return this.#said;
  }

  /** What it said when it last said a graph. */
  get document(): GraphDocument | undefined {
    const good = this.#good;
    // What we wrote ourselves is read only if somebody asks.
    if (good) good.document ??= readDocument(good.text, this.path);
    return good?.document;
  }

  /** Why nothing may be written over what is there now. */
  get refusal(): GraphFileError | undefined {
    if (this.#said.kind !== 'refused') return undefined;
    const { lines, cause } = this.#said;
    const why = `not saved over what somebody else wrote and is no graph: ${lines.join('; ')}`;
    return new GraphFileError(this.path, why, { cause });
  }

  /** @throws {UsageError} unless there is a text to read @throws {GraphSyntaxError | GraphInvalidError} where it is no graph */
  assertGraph(): void {
    const { path } = this;
    if (this.#said.kind === 'missing') throw new UsageError(`cannot read the graph ${path}: there is no such file`);
    if (this.#said.kind !== 'refused') return;
    const { cause, lines } = this.#said;
    if (cause instanceof GraphFileError) throw new UsageError(`cannot read the graph ${lines.join('; ')}`, { cause });
    throw cause;
  }

  /** The path and, where it is a link, what that leads to. */
  get places(): readonly string[] {
    return [this.path, this.#known.target];
  }

  /** A cheap question; a yes may be wrong. */
  async mayHaveChanged(): Promise<boolean> {
    const signature = await this.#disk.signature();
    return signature === undefined || signature !== this.#signature;
  }

  /**
   * Takes note of what somebody else wrote.
   * @returns whether there was anything
   * @throws {GraphFileError} when the file changes all the time
   */
  async look(): Promise<boolean> {
    let signature = await this.#disk.signature();
    let seen = await this.#disk.read();
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      if (seen.key === this.#known.key) {
        this.#signature = signature;
        return false;
      }
      await delay(SETTLE_MS);
      signature = await this.#disk.signature();
      const again = await this.#disk.read();
      if (again.key === seen.key) {
        this.#signature = signature;
        this.#said = this.#note(again);
        return true;
      }
      seen = again;
    }
    throw new GraphFileError(this.path, 'it changes all the time; waiting for it to keep still');
  }

  /**
   * Makes the file say `graph`.
   * @returns false when somebody else changed it: look first
   * @throws {GraphNotWritableError | GraphInvalidError | GraphFileError}
   */
  async write(graph: Graph): Promise<boolean> {
    const text = renderGraph(this.#good?.text, graph, this.path);
    const written = await this.#disk.write(text, this.#known);
    if (!written) return false;
    this.#known = written;
    this.#signature = undefined;
    this.#good = { text };
    this.#said = { kind: 'graph', graph };
    return true;
  }

  #note(content: Content): Said {
    this.#known = content;
    if (content.kind === 'missing') return { kind: 'missing' };
    if (content.kind === 'unreadable') {
      const { why } = content;
      return { kind: 'refused', lines: [`${this.path}: ${why}`], cause: new GraphFileError(this.path, why) };
    }
    try {
      const document = readDocument(content.text, this.path);
      this.#good = { text: content.text, document };
      return { kind: 'graph', graph: document.graph };
    } catch (error) {
      return { kind: 'refused', lines: messageOf(error).split('\n'), cause: error };
    }
  }
}
