import type { EngineLetter, EngineRound, EngineSession } from '../engine/index.js';
import { WireError } from '../log/wire/index.js';
import { asQueueName } from '../names.js';
import type { Fields } from '../transport/log/index.js';

const FATES = ['keep', 'remove'] as const;
/** Each keeps a letter from everybody else. */
const MAX_ROUNDS = 1000;

/** The rounds over dead letters that one client has begun; those of a client that is gone end with its session. */
export class ClientRounds {
  readonly #open = new Map<number, EngineRound>();

  /** Gives the first letter, if there is one; otherwise the round is over. */
  async begin(session: EngineSession, fields: Fields): Promise<EngineLetter | undefined> {
    const id = fields.count('round');
    if (this.#open.has(id) || this.#open.size >= MAX_ROUNDS) throw new WireError('no room for such a round');
    const round = session.visit(asQueueName(fields.text('inqueue')));
    this.#open.set(id, round);
    return await this.#next(id, round);
  }

  /** Settles the letter that was given last, and gives the next if there is one and it is wanted. */
  async goOn(fields: Fields): Promise<EngineLetter | undefined> {
    const id = fields.count('round');
    const round = this.#open.get(id);
    if (!round) throw new WireError('there is no such round');
    await round.settle(fields.oneOf('fate', FATES));
    if (fields.flag('more')) return await this.#next(id, round);
    this.#end(id, round);
    return undefined;
  }

  async #next(id: number, round: EngineRound): Promise<EngineLetter | undefined> {
    const letter = await round.next();
    if (!letter) this.#end(id, round);
    return letter;
  }

  #end(id: number, round: EngineRound): void {
    round.end();
    this.#open.delete(id);
  }
}
