import type { Socket } from 'node:net';
import type { Engine, EngineSession } from '../engine/index.js';
import { isSameText } from '../log/server/index.js';
import { WireError } from '../log/wire/index.js';
import { asQueueName } from '../names.js';
import { type ByteReader, type Fields, FrameSocket, MESSAGE, WIRE_VERSION, writeDone } from '../transport/log/index.js';
import { type Answer, letterAnswer, pageAnswer, refusalOf } from './answers.js';
import { ClientBrowses } from './client-browses.js';
import { type Came, ClientConsumers } from './client-consumers.js';
import { ClientLooks } from './client-looks.js';
import { ClientRounds } from './client-rounds.js';
import { owned, readBinding, readDeclaration, sendOf, sizeRefusal } from './requests.js';

/** Beyond this nothing more is read from it until it has read. */
const PAUSE_BYTES = 16 * 1024 * 1024;
/** Sends of one client that wait for room; ours never have as many open. */
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 256 * 1024 * 1024;
const HELLO_LIMIT_MS = 10_000;

/** What clients are told that not every node can. */
export interface Abilities {
  /** Messages outlive this process. */
  readonly persistent: boolean;
  /** What was taken is kept for a while. */
  readonly replay: boolean;
}

export interface DoorOptions {
  readonly engine: Engine;
  readonly abilities: Abilities;
  /** Absent where the file system or TLS guards the door. */
  readonly token: string | undefined;
  /** Once; `reason` when the client broke the rules or the connection broke. */
  onEnd(reason: Error | undefined): void;
}

/** The broker's side of one connection: reads requests, carries them out on the engine, answers. */
export class ClientDoor {
  readonly #frames: FrameSocket;
  readonly #engine: Engine;
  readonly #options: Pick<DoorOptions, 'token' | 'abilities'>;
  readonly #consumers: ClientConsumers;
  readonly #rounds = new ClientRounds();
  readonly #browses = new ClientBrowses();
  readonly #looks: ClientLooks;
  readonly #helloLimit: NodeJS.Timeout;
  #session: EngineSession | undefined;
  /** Requests other than messages, one after another: each may count on those before it. */
  #lane: Promise<void> = Promise.resolve();
  #waiting = 0;
  #waitingBytes = 0;
  /** Sends and settlements without an answer yet. */
  #inHand = 0;
  #isOver = false;
  /** Told of each answer. */
  #answered: () => void = () => undefined;
  /** Requests done and not yet answered; one frame tells of all. */
  #done: number[] = [];

  constructor(socket: Socket, { engine, onEnd, ...options }: DoorOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#frames = new FrameSocket(socket, {
      onRequest: (fields, body) => this.#take(fields, body),
      onMessage: (what, reader) => this.#takeMessage(what, reader),
      onEnd: (reason) => {
        clearTimeout(this.#helloLimit);
        this.#isOver = true;
        this.#answered();
        this.#browses.end();
        this.#session?.end('died');
        onEnd(reason);
      },
    });
    this.#looks = new ClientLooks(this.#frames);
    this.#consumers = new ClientConsumers(this.#frames, (re, outcome) => this.#outcome(re, outcome));
    this.#frames.atFlush(() => {
      if (this.#done.length > 0) writeDone(this.#frames, this.#done);
      this.#done = [];
    });
    this.#helloLimit = setTimeout(() => this.#frames.destroy(new WireError('no hello in time')), HELLO_LIMIT_MS);
  }

  destroy(): void {
    this.#frames.destroy();
  }

  /** Reads no more, answers what does not wait for others, and leaves; at once when `limit` aborts. */
  async finish(limit: AbortSignal): Promise<void> {
    this.#frames.pause();
    await this.#lane;
    const isBusy = (): boolean => !this.#isOver && this.#inHand > this.#waiting + this.#consumers.waiting;
    while (isBusy() && !limit.aborted) {
      await new Promise<void>((resolve) => {
        this.#answered = resolve;
        limit.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    // Its client lives and comes back: no last words.
    this.#session?.end('left');
    this.#session = undefined;
    this.#frames.end();
  }

  #take(fields: Fields, body: Buffer): void {
    const re = fields.count('re');
    const op = fields.text('op');
    if (op === 'hello') this.#hello(re, fields, body);
    else if (!this.#session) throw new WireError('the first frame must be hello');
    else this.#lane = this.#lane.then(() => this.#answer(op, re, fields, body));
    this.#relieve();
  }

  #takeMessage(what: number, reader: ByteReader): void {
    if (!this.#session) throw new WireError('the first frame must be hello');
    const re = reader.u32();
    this.#inHand += 1;
    if (what === MESSAGE.send) this.#send(this.#session, re, reader);
    else if (what === MESSAGE.settle) this.#consumers.settle(re, reader);
    else throw new WireError(`there is no message ${what}`);
    this.#relieve();
  }

  /** Reads no more while the client does not read, or the log cannot follow. */
  #relieve(): void {
    if (this.#frames.bufferedBytes > PAUSE_BYTES) this.#frames.pauseUntilDrained();
    const congestion = this.#engine.congestion;
    if (congestion) this.#frames.pauseUntil(congestion);
  }

  #hello(re: number, fields: Fields, body: Buffer): void {
    clearTimeout(this.#helloLimit);
    if (this.#session) throw new WireError('a second hello');
    const version = fields.count('version');
    const { token, abilities } = this.#options;
    const isWelcome = token === undefined || isSameText(fields.has('token') ? fields.text('token') : '', token);
    if (version !== WIRE_VERSION || !isWelcome) {
      const text = isWelcome ? `this broker speaks version ${WIRE_VERSION}, not ${version}` : 'wrong token';
      this.#frames.send({ op: 'refused', re, why: 'refused', text });
      this.#frames.end();
      return;
    }
    const lastWords = fields.has('lastWords') ? fields.inner('lastWords') : undefined;
    this.#session = this.#engine.open({
      id: fields.text('id'),
      ...(lastWords && {
        lastWords: { name: lastWords.text('name'), retain: lastWords.flag('retain'), body: owned(body) },
      }),
    });
    this.#frames.send({ op: 'answer', re, ...abilities });
  }

  /** Never rejects: what cannot be answered ends the connection. */
  async #answer(op: string, re: number, fields: Fields, body: Buffer): Promise<void> {
    if (!this.#session) return;
    try {
      const answer = await this.#carryOut(this.#session, op, fields, body);
      if (answer) this.#frames.send({ op: 'answer', re, ...answer.head }, ...(answer.bodies ?? []));
      else this.#ok(re);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal) this.#frames.send({ op: 'refused', re, ...refusal });
      else this.#frames.destroy(error instanceof Error ? error : new WireError(String(error)));
    }
  }

  /** Requests that are done when it resolves, with what there is to answer. */
  async #carryOut(session: EngineSession, op: string, fields: Fields, body: Buffer): Promise<Answer | undefined> {
    switch (op) {
      case 'declare': {
        const { kind, name, options } = readDeclaration(fields);
        await session.declare(kind, name, options);
        return undefined;
      }
      case 'consume':
        this.#consumers.consume(session, fields);
        return undefined;
      case 'pause':
        this.#consumers.pause(fields);
        return undefined;
      case 'release':
        this.#consumers.release(fields);
        return undefined;
      case 'end':
        this.#consumers.end(fields);
        return undefined;
      case 'bind':
        await this.#engine.bind(readBinding(fields));
        return undefined;
      case 'unbind':
        await this.#engine.unbind(readBinding(fields));
        return undefined;
      case 'bindings':
        return { head: { bindings: this.#engine.bindings() } };
      case 'depths':
        return { head: { depths: this.#engine.depths(fields.names('queues').map(asQueueName)) } };
      case 'letters':
        return { head: { inqueues: this.#engine.deadLetterInqueues() } };
      case 'visit':
        return letterAnswer(await this.#rounds.begin(session, fields));
      case 'visited':
        return letterAnswer(await this.#rounds.goOn(fields));
      case 'browse':
        return pageAnswer(await this.#browses.begin(session, fields));
      case 'browsed':
        return pageAnswer(await this.#browses.goOn(fields));
      case 'notify':
        await this.#engine.notify({ name: fields.text('name'), retain: fields.flag('retain'), body: owned(body) });
        return undefined;
      case 'watch':
      case 'tap':
        this.#looks.begin(session, op, fields);
        return undefined;
      case 'unwatch':
        this.#looks.end(fields);
        return undefined;
      case 'bye':
        session.end('left');
        this.#session = undefined;
        return undefined;
      default:
        throw new WireError(`there is no request '${op.slice(0, 40)}'`);
    }
  }

  #send(session: EngineSession, re: number, reader: ByteReader): void {
    let hasWaited = false;
    const output = sendOf(reader);
    const { body } = output;
    const tooLarge = sizeRefusal(output);
    if (tooLarge !== undefined) {
      this.#outcome(re, { state: 'refused', text: tooLarge });
      return;
    }
    const submission = session.send(output, (outcome) => {
      if (hasWaited) this.#waiting -= 1;
      if (hasWaited) this.#waitingBytes -= body.length;
      this.#outcome(re, outcome);
    });
    if (submission.waitsFor === 'nothing') return;
    hasWaited = true;
    this.#waiting += 1;
    this.#waitingBytes += body.length;
    if (this.#waiting > MAX_WAITING || this.#waitingBytes > MAX_WAITING_BYTES)
      throw new WireError(`more than ${MAX_WAITING} sends, or ${MAX_WAITING_BYTES} bytes, wait for room`);
  }

  #outcome(re: number, outcome: Came): void {
    this.#inHand -= 1;
    this.#answered();
    const queue = outcome.state === 'unrouted' ? outcome.queue : '';
    const text = outcome.state === 'refused' ? outcome.text : 'not carried out';
    if (outcome.state === 'done') this.#ok(re);
    else this.#frames.send({ op: 'refused', re, why: outcome.state, queue, text });
  }

  #ok(re: number): void {
    this.#done.push(re);
    this.#frames.flushSoon();
  }
}
