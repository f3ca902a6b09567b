import { WireError } from '../../log/wire/index.js';
import type { QueueName } from '../../names.js';
import type { BrowseRange, KeptMessage } from '../index.js';
import type { Answer, Connection } from './connection.js';
import type { Fields } from './fields.js';
import { withCreatedAt } from './header-text.js';

/**
 * Pages of what is kept of a queue, each asked for when the one before was taken. All over one connection: when that ends,
 * so does this, with its error.
 * @param id names it among those of its connection
 */
export async function* browseOver(
  connection: Connection,
  id: number,
  queue: QueueName,
  { from, to, limit }: BrowseRange,
): AsyncGenerator<readonly KeptMessage[], void, undefined> {
  const goOn = (more: boolean): Promise<Answer | undefined> => connection.request({ op: 'browsed', browse: id, more });
  let isOver = false;
  try {
    for (let page = await connection.request({ op: 'browse', browse: id, queue, from, to, limit }); page; ) {
      yield readPage(page);
      page = await goOn(true);
    }
    isOver = true;
  } finally {
    if (!isOver && connection.isOpen) await goOn(false).catch(() => undefined);
  }
}

/** The body is that of each message in turn. */
function readPage({ fields, body }: Answer): readonly KeptMessage[] {
  let at = 0;
  return fields.list('messages').map((message: Fields) => {
    const end = at + message.count('bytes');
    if (end > body.length) throw new WireError('the messages are longer than the frame');
    const kept = {
      id: message.text('id'),
      timestampMs: message.count('ms'),
      headers: withCreatedAt(message.texts('headers')),
      body: Buffer.from(body.subarray(at, end)),
    };
    at = end;
    return kept;
  });
}
