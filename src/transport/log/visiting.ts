import type { QueueName } from '../../names.js';
import type { KeptLetter, LetterFate } from '../index.js';
import type { Answer, Connection } from './connection.js';
import { withCreatedAt } from './header-text.js';

export interface RoundOptions {
  /** Names it among the rounds of its connection. */
  readonly round: number;
  readonly inqueue: QueueName;
  visit(letter: KeptLetter): Promise<LetterFate>;
  /** Called before the fate of a letter is told. @throws when it must not be any more */
  check(): void;
}

/**
 * Has the broker show dead letters, one at a time. All over one connection: when that ends, the broker keeps the letter
 * that was being shown, and the round rejects. Resolves with the number of those shown.
 */
export async function visitOver(connection: Connection, options: RoundOptions): Promise<number> {
  const { round, inqueue, visit, check } = options;
  const tell = (fate: 'keep' | 'remove', more: boolean): Promise<Answer | undefined> =>
    connection.request({ op: 'visited', round, fate, more });
  let shown = 0;
  for (let letter = await connection.request({ op: 'visit', round, inqueue }); letter; ) {
    shown += 1;
    const { fields, body } = letter;
    let fate: LetterFate;
    try {
      fate = await visit({ key: fields.text('key'), body, headers: withCreatedAt(fields.texts('headers')) });
    } catch (error) {
      await tell('keep', false).catch(() => undefined);
      throw error;
    }
    check();
    letter = await tell(fate === 'remove' ? 'remove' : 'keep', fate !== 'stop');
  }
  return shown;
}
