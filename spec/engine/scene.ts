import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type EngineConsumer,
  type EngineDelivery,
  type EngineDepth,
  type EngineMessage,
  type EngineOutput,
  type EngineQueueOptions,
  type EngineRound,
  type EngineSession,
  type Outcome,
  QueueEngine,
  type QueueEngineOptions,
} from '../../src/engine/index.js';
import { type LogNode, type LogStore, MemoryStore, openLogNode, openStore, writeHeaders } from '../../src/log/index.js';
import { asQueueName, type QueueName } from '../../src/names.js';
import { crashCopy, filesOf } from '../log/store/support.js';
import { eventually } from '../transport/conformance/stage.js';

export { eventually };
export const q = asQueueName;
export const work = q('work');
export const dead = q('dead-work');
export const DONE = [{ state: 'done' }];
export const GONE = [{ state: 'gone' }];

const message = (text: string): EngineMessage => ({ body: Buffer.from(text), headers: writeHeaders({}) });

export const output = (
  kind: 'inqueue' | 'outqueue',
  name: QueueName,
  text: string,
  mandatory = false,
): EngineOutput => ({ ...message(text), kind, name, mandatory });

/** An engine with one session, which has the inqueue `work`. */
export class Scene {
  readonly engine: QueueEngine;
  readonly node: LogNode;
  readonly session: EngineSession;
  #barriers = 0;

  private constructor(engine: QueueEngine) {
    this.engine = engine;
    this.node = engine.node;
    this.session = engine.open({ id: 'owner' });
  }

  static async open(store: LogStore, options: QueueEngineOptions = {}, queue: Partial<EngineQueueOptions> = {}) {
    const scene = new Scene(
      await QueueEngine.open(openLogNode(store, { history: store.folder !== 'memory' }), options),
    );
    await scene.session.declare('inqueue', work, { persistent: true, ...queue });
    return scene;
  }

  /** Sends to `work`, without waiting. */
  send(...texts: readonly string[]): Outcome[][] {
    return texts.map((text) => send(this.session, output('inqueue', work, text)));
  }

  /** Sends to `work`; resolves when all are there. */
  async fill(...texts: readonly string[]): Promise<void> {
    await all(this.send(...texts));
  }

  depth(name: QueueName = work): EngineDepth | undefined {
    return this.engine.depths([name])[0];
  }

  /** Resolves when all that was begun has been done, as far as it does not wait for something. */
  async quiet(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      this.#barriers += 1;
      await this.node.facts.write([{ key: 'barrier', value: String(this.#barriers) }]);
      await turn();
      await turn();
    }
  }

  async close(): Promise<void> {
    this.session.end('left');
    await this.engine.close();
    await this.node.close();
  }
}

export interface Harness {
  readonly isDurable: boolean;
  /** On an empty store; `nowMs` is its clock too. */
  readonly open: (options?: QueueEngineOptions, queue?: Partial<EngineQueueOptions>) => Promise<Scene>;
  /** As `open`, on what the one before has left. Durable only. */
  readonly reopen: (options?: QueueEngineOptions, queue?: Partial<EngineQueueOptions>) => Promise<Scene>;
  /** As `reopen`, on the files as a crash now would leave them; the one before goes on. */
  readonly crash: (options?: QueueEngineOptions, queue?: Partial<EngineQueueOptions>) => Promise<Scene>;
  /** As `crash`, without what was written after a share of the newest file. */
  readonly crashAt: (share: number) => Promise<Scene>;
}

/** Engines on both stores, for specs that hold for both. */
export function describeEngines(what: string, specs: (harness: Harness) => void): void {
  for (const isDurable of [false, true])
    describe(`QueueEngine ${isDurable ? 'on disk' : 'in memory'}: ${what}`, () => specs(harness(isDurable)));
}

/** Engines on a disk only. */
export function describeDurable(what: string, specs: (harness: Harness) => void): void {
  describe(`QueueEngine on disk: ${what}`, () => specs(harness(true)));
}

function harness(isDurable: boolean): Harness {
  let folder = '';
  let scenes: Scene[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'msgflo-engine-'));
  });
  afterEach(async () => {
    for (const scene of scenes) await scene.close();
    scenes = [];
    rmSync(folder, { recursive: true, force: true });
  });
  let path = '';
  const on = async (at: string, options: QueueEngineOptions, queue: Partial<EngineQueueOptions>): Promise<Scene> => {
    const { nowMs } = options;
    const store = isDurable
      ? await openStore(at, { sync: 'never', ...(nowMs && { nowMs }) })
      : new MemoryStore('memory', nowMs);
    const scene = await Scene.open(store, options, queue);
    scenes.push(scene);
    return scene;
  };
  return {
    isDurable,
    async open(options = {}, queue = {}) {
      path = mkdtempSync(join(folder, 'log-'));
      return await on(path, options, queue);
    },
    async reopen(options = {}, queue = {}) {
      await scenes.pop()?.close();
      return await on(path, options, queue);
    },
    crash: (options = {}, queue = {}) => on(crashCopy(path), options, queue),
    async crashAt(share) {
      const copy = crashCopy(path);
      const newest = join(copy, filesOf(copy, 'seg').at(-1) ?? '');
      truncateSync(newest, Math.floor(statSync(newest).size * share));
      return await on(copy, {}, {});
    },
  };
}

/** A consumer that notes down what it is given. */
export class Taker {
  readonly deliveries: EngineDelivery[] = [];
  readonly consumer: EngineConsumer;

  constructor(session: EngineSession, inqueue: QueueName, prefetch: number) {
    this.consumer = session.consume(inqueue, prefetch, (delivery) => this.deliveries.push(delivery));
  }

  /** Bodies; a redelivered one has a star. */
  get texts(): string[] {
    return this.deliveries.map(({ body, redelivered }) => `${body}${redelivered ? '*' : ''}`);
  }

  /** Resolves with the bodies when there are so many. */
  async took(count: number): Promise<string[]> {
    await eventually(() => this.deliveries.length >= count, `${count} deliveries`);
    return this.texts;
  }

  /** Settles the delivery at this index; the outcomes come to stand in the list returned. */
  settle(at: number, verdict: 'ack' | 'requeue', outputs: readonly EngineOutput[] = [], hold = false): Outcome[] {
    const outcomes: Outcome[] = [];
    this.consumer.settle(this.#tag(at), { verdict, outputs, hold }, (outcome) => outcomes.push(outcome));
    return outcomes;
  }

  async ack(at: number): Promise<void> {
    await this.took(at + 1);
    await all([this.settle(at, 'ack')]);
  }

  async bury(at: number, text: string): Promise<void> {
    await this.took(at + 1);
    const settlement = { verdict: { deadLetter: message(text) }, outputs: [] };
    await new Promise<unknown>((resolve) => this.consumer.settle(this.#tag(at), settlement, resolve));
  }

  #tag(at: number): number {
    return this.deliveries[at]?.tag ?? -1;
  }
}

/** Sends; outcomes come to stand in the list returned. */
export function send(session: EngineSession, sent: EngineOutput): Outcome[] {
  const outcomes: Outcome[] = [];
  session.send(sent, (outcome) => outcomes.push(outcome));
  return outcomes;
}

/** Resolves when each of these has an outcome. */
export async function all(outcomes: readonly Outcome[][]): Promise<void> {
  await eventually(() => outcomes.every(({ length }) => length > 0), 'all outcomes');
}

/** Bodies of the letters that a round shows, to its end. */
export async function lettersOf(round: EngineRound): Promise<string[]> {
  const seen: string[] = [];
  for (let letter = await round.next(); letter; letter = await round.next()) seen.push(letter.body.toString());
  return seen;
}
