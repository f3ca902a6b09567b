import type { Definition } from '../discovery/index.js';
import { messageOf, TimeoutError } from '../errors.js';
import { asQueueName, type ParticipantId, type QueueName } from '../names.js';
import type { RelayedMessage } from '../protocol/index.js';
import { isRecord, type Logger } from '../support/index.js';
import { type Broker, NotConnectedError, type Subscription } from '../transport/index.js';
import type { Relay } from './coordination.js';

const LIMIT_MS = 3000;

export interface FbpRelayOptions {
  /** Connected. The relay does not close it. */
  readonly broker: Broker;
  readonly log: Logger;
}

/** One question to a participant and who waits for its answer. */
interface Question {
  readonly message: RelayedMessage;
  readonly timer: NodeJS.Timeout;
  answer(message: RelayedMessage): void;
  fail(reason: Error): void;
}

/** A participant as it is spoken with: the questions in order of asking, of which the first has been sent. */
interface Line {
  readonly questions: Question[];
  /** What it says is listened to from the first question on, for as long as the relay lives. */
  listening: Promise<void> | undefined;
  tap: Subscription | undefined;
}

/**
 * Asks participants that speak the FBP protocol themselves, over the queues of their definition, else `.fbp.<id>.receive`
 * and `.fbp.<id>.send`. Their answers name no question: the first message of the same sub-protocol that has the command of
 * the question, or is an error, counts as its answer. So each is asked one question at a time.
 *
 * An outqueue is never let go of again: those of `noflo-runtime-msgflo` are deleted by the broker when the last who listens
 * has left, and with its next message the participant would lose its channel.
 */
export class FbpRelay implements Relay {
  readonly #broker: Broker;
  readonly #log: Logger;
  readonly #lines = new Map<ParticipantId, Line>();
  #closed = false;

  constructor({ broker, log }: FbpRelayOptions) {
    this.#broker = broker;
    this.#log = log;
  }

  /**
   * Resolves to the answer, which may be an error in the protocol's own words.
   * @throws {TimeoutError} when none came within `timeoutMs`, 3,000 unless given, of the call
   * @throws {QueueNotFoundError} where the broker knows that the participant has no such queues
   */
  ask(
    definition: Definition,
    message: RelayedMessage,
    { timeoutMs = LIMIT_MS }: { readonly timeoutMs?: number } = {},
  ): Promise<RelayedMessage> {
    if (this.#closed) return Promise.reject(new NotConnectedError('ask()'));
    const line = this.#lines.get(definition.id) ?? { questions: [], listening: undefined, tap: undefined };
    this.#lines.set(definition.id, line);
    return new Promise((resolve, reject) => {
      const settled = (settle: () => void): void => {
        clearTimeout(question.timer);
        const wasFirst = line.questions[0] === question;
        line.questions.splice(line.questions.indexOf(question), 1);
        settle();
        if (wasFirst) void this.#askNext(definition, line);
      };
      const question: Question = {
        message,
        answer: (answer) => settled(() => resolve(answer)),
        fail: (reason) => settled(() => reject(reason)),
        timer: setTimeout(() => question.fail(noAnswer(definition, message, timeoutMs)), timeoutMs),
      };
      if (line.questions.push(question) === 1) void this.#askNext(definition, line);
    });
  }

  /**
   * Who still waits for an answer is told that there will be none. Does not wait for a broker that is away: what is not
   * listened to yet never will be. Idempotent.
   */
  async close(): Promise<void> {
    this.#closed = true;
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    for (const { questions } of lines) {
      for (const question of [...questions].reverse()) question.fail(new NotConnectedError('ask()'));
    }
    await Promise.all(lines.map(({ tap }) => tap?.cancel()));
  }

  /** Sends the first question of a line. Never rejects. */
  async #askNext(definition: Definition, line: Line): Promise<void> {
    const [question] = line.questions;
    if (!question) return;
    const { id, inqueue } = definition;
    try {
      await this.#listen(definition, line);
      // It may have been given up while we began to listen, and the next one be on its way already.
      if (line.questions[0] === question)
        await this.#broker.send('inqueue', queueOf(inqueue, `.fbp.${id}.receive`), { data: question.message });
    } catch (error) {
      if (line.questions.includes(question))
        question.fail(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  async #listen(definition: Definition, line: Line): Promise<void> {
    line.listening ??= this.#tap(definition, line);
    const { listening } = line;
    try {
      await listening;
    } catch (error) {
      if (line.listening === listening) line.listening = undefined;
      throw error;
    }
  }

  async #tap({ id, outqueue }: Definition, line: Line): Promise<void> {
    const tap = await this.#broker.tap(queueOf(outqueue, `.fbp.${id}.send`), ({ data }) => this.#hear(line, data));
    if (this.#closed) await tap.cancel();
    else line.tap = tap;
  }

  #hear(line: Line, data: unknown): void {
    const answer = readMessage(data);
    const [question] = line.questions;
    if (!answer || !question) return;
    const isAnswer = answer.command === question.message.command || answer.command === 'error';
    if (isAnswer && answer.protocol === question.message.protocol) question.answer(answer);
    else this.#log.debug(`not the answer that is waited for: ${answer.protocol}:${answer.command}`);
  }
}

function queueOf(announced: QueueName | undefined, otherwise: string): QueueName {
  return announced ?? asQueueName(otherwise);
}

function noAnswer({ id, role }: Definition, { protocol, command }: RelayedMessage, limitMs: number): TimeoutError {
  const who = `participant '${id}' of role '${role}'`;
  return new TimeoutError(`${who} did not answer ${protocol}:${command} within ${limitMs} ms`);
}

/** Undefined for what is no message of the protocol: a peer may send anything. */
function readMessage(data: unknown): RelayedMessage | undefined {
  if (!isRecord(data)) return undefined;
  const { protocol, command, payload = {} } = data;
  if (typeof protocol !== 'string' || typeof command !== 'string') return undefined;
  return { protocol, command, payload: isRecord(payload) ? payload : {} };
}
