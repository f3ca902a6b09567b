import type { EngineRecord, EngineSession } from '../engine/index.js';
import { WireError } from '../log/wire/index.js';
import { asQueueName } from '../names.js';
import type { Fields } from '../transport/log/index.js';

const MAX_BROWSES = 100;
/** One larger message goes alone. */
const PAGE_BYTES = 4 * 1024 * 1024;
const PAGE_MESSAGES = 5000;

interface Browse {
  readonly pages: AsyncGenerator<readonly EngineRecord[], void, undefined>;
  /** Of the last page, what was too much for one frame. */
  rest: readonly EngineRecord[];
}

/** What one client looks through of what is kept of queues, page by page as it asks. */
export class ClientBrowses {
  readonly #open = new Map<number, Browse>();

  /** Gives the first page; undefined when there is nothing. @throws {EngineRefusedError} `not-found` */
  async begin(session: EngineSession, fields: Fields): Promise<readonly EngineRecord[] | undefined> {
    const id = fields.count('browse');
    if (this.#open.has(id) || this.#open.size >= MAX_BROWSES) throw new WireError('no room to browse');
    const pages = session.browse(asQueueName(fields.text('queue')), {
      ...(fields.has('from') && { from: fields.text('from') }),
      ...(fields.has('to') && { to: fields.text('to') }),
      ...(fields.has('limit') && { limit: fields.count('limit') }),
    });
    const browse = { pages, rest: [] };
    this.#open.set(id, browse);
    return await this.#next(id, browse);
  }

  /** Gives the next page if it is wanted; undefined at the end. */
  async goOn(fields: Fields): Promise<readonly EngineRecord[] | undefined> {
    const id = fields.count('browse');
    const browse = this.#open.get(id);
    if (!browse) return undefined;
    if (fields.flag('more')) return await this.#next(id, browse);
    this.#open.delete(id);
    await browse.pages.return();
    return undefined;
  }

  /** Ends all of them. */
  end(): void {
    for (const { pages } of this.#open.values()) void pages.return().catch(() => undefined);
    this.#open.clear();
  }

  async #next(id: number, browse: Browse): Promise<readonly EngineRecord[] | undefined> {
    try {
      while (browse.rest.length === 0) {
        const page = await browse.pages.next();
        if (page.done) {
          this.#open.delete(id);
          return undefined;
        }
        browse.rest = page.value;
      }
    } catch (error) {
      this.#open.delete(id);
      throw error;
    }
    const count = fitting(browse.rest);
    const page = browse.rest.slice(0, count);
    browse.rest = browse.rest.slice(count);
    return page;
  }
}

/** How many of them fit into a frame; one at least. */
function fitting(records: readonly EngineRecord[]): number {
  let bytes = 0;
  for (let count = 0; count < records.length; count += 1) {
    bytes += records[count]?.body.length ?? 0;
    if (count > 0 && (bytes > PAGE_BYTES || count >= PAGE_MESSAGES)) return count;
  }
  return records.length;
}
