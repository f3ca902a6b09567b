import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { type OpenBroker, openEmbedded, openMosquitto, openRabbit } from './broker-bindings.js';
import { type Editor, RefusedError } from './editor.js';
import { PATH_MOVES, PathMoves, SIDE_MOVES, sideMove } from './moves.js';
import { Replica } from './replica.js';
import { Scene, uniqueRole } from './scene.js';

/** How many random sequences each broker sees; a seed from a report repeats them. */
const RUNS = Number(process.env['MSGFLO_TEST_RUNS'] ?? 2);
const SEED = Number(process.env['MSGFLO_TEST_SEED'] ?? Date.now() % 1_000_000);

/** More than this many of a hundred arriving twice would mean that edges overlap for longer than they must. */
const MOST_DUPLICATES = 0.5;

const step = <T>(moves: readonly T[], pausesMs: readonly number[]): fc.Arbitrary<readonly Step<T>[]> =>
  fc.array(fc.record({ move: fc.constantFrom(...moves), pick: fc.nat(999), pauseMs: fc.constantFrom(...pausesMs) }), {
    minLength: 8,
    maxLength: 12,
  });

interface Step<T> {
  readonly move: T;
  readonly pick: number;
  readonly pauseMs: number;
}

interface Program {
  readonly path: readonly Step<(typeof PATH_MOVES)[number]>[];
  readonly side: readonly Step<(typeof SIDE_MOVES)[number]>[];
  readonly more: readonly Step<(typeof SIDE_MOVES)[number]>[];
}

const programs: fc.Arbitrary<Program> = fc.record({
  path: step(PATH_MOVES, [0, 100, 700, 1500]),
  side: step(SIDE_MOVES, [0, 50, 600]),
  more: step(SIDE_MOVES, [0, 50, 300]),
});

const brokers: Readonly<Record<string, () => Promise<OpenBroker>>> = {
  'the embedded broker': openEmbedded,
  RabbitMQ: openRabbit,
  'Mosquitto, between participants of ours': openMosquitto,
};

describe(`two clients that edit at once while messages flow (seed ${SEED})`, function () {
  this.timeout(60_000 + RUNS * 60_000);

  for (const [name, start] of Object.entries(brokers)) {
    it(`on ${name}: the broker has what the graph says, all see one graph, and no message is lost`, async () => {
      const broker = await start();
      const property = fc.asyncProperty(programs, (program) => holds(program, broker));
      try {
        await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
      } finally {
        await broker.stop();
      }
    });
  }
});

async function holds(program: Program, broker: OpenBroker): Promise<void> {
  const tag = uniqueRole('');
  const [src, one, two, sink] = [`${tag}src`, `${tag}one`, `${tag}two`, `${tag}sink`];
  const graph = `${src}(Source) OUT -> IN ${one}(Work) OUT -> IN ${sink}(Sink)\n${two}(Repeat) OUT -> IN ${sink}`;
  const scene = await Scene.make(graph, { broker: broker.url });
  try {
    const clients = [
      await Client.open(scene, tag),
      await Client.open(scene, tag),
      await Client.open(scene, tag),
    ] as const;
    await scene.flows();
    const moves = new PathMoves(clients[0].editor, { tag, src, middle: [one, two], sink });
    await Promise.all([
      pathSteps(moves, program.path),
      clients[1].sideSteps(program.side, 100),
      clients[2].sideSteps(program.more, 200),
    ]);
    await scene.settles();
    for (const client of clients) await client.agrees();
    const wanted = (): readonly string[] => clients[0].wantedBindings();
    const isBound = async (): Promise<boolean> => `${await broker.bindings(tag, scene.folder)}` === `${wanted()}`;
    await within(20_000, isBound);
    expect(await broker.bindings(tag, scene.folder)).to.deep.equal(wanted());
    expect(clients[0].editor.all('graph:error'), 'the path is never cut').to.deep.equal([]);
    expect(scene.missing).to.deep.equal([]);
    expect(scene.duplicates / scene.seen.length).to.be.below(MOST_DUPLICATES);
  } catch (error) {
    throw new Error(`${messageOf(error)}\nlost ${scene.lost}\n${scene.network.output.slice(-6000)}`);
  } finally {
    await scene.end();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function pathSteps(moves: PathMoves, steps: Program['path']): Promise<void> {
  for (const { move, pick, pauseMs } of steps) {
    await moves.make(move, pick);
    await delay(pauseMs);
  }
}

/** An editor that keeps its own copy of the graph. */
class Client {
  readonly editor: Editor;
  readonly #tag: string;
  readonly #replica: Replica;
  /** How much of what was told is in the replica. */
  #taken: number;

  private constructor(editor: Editor, tag: string, replica: Replica, taken: number) {
    this.editor = editor;
    this.#tag = tag;
    this.#replica = replica;
    this.#taken = taken;
  }

  static async open(scene: Scene, tag: string): Promise<Client> {
    const editor = await scene.editor();
    const source = await editor.source();
    return new Client(editor, tag, Replica.read(source), editor.told.length);
  }

  async sideSteps(steps: Program['side'], serialsFrom: number): Promise<void> {
    let serial = serialsFrom;
    for (const { move, pick, pauseMs } of steps) {
      this.#catchUp();
      serial += 1;
      const request = sideMove(this.#replica, this.#tag, { move, pick, serial });
      try {
        if (request) await this.editor.ask(...request);
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
      }
      await delay(pauseMs);
    }
  }

  /** Waits until its own copy is what the runtime has. */
  async agrees(): Promise<void> {
    const theirs = async (): Promise<object> => this.#ours(Replica.read(await this.editor.source()).value());
    const own = (): object => {
      this.#catchUp();
      return this.#ours(this.#replica.value());
    };
    await within(10_000, async () => JSON.stringify(await theirs()) === JSON.stringify(own()));
    expect(own()).to.deep.equal(await theirs());
  }

  /** Of nodes whose component is there. */
  wantedBindings(): readonly string[] {
    this.#catchUp();
    const unheard = new Set(this.#replica.nodesOf('Unheard'));
    const edges = this.#replica.edges.filter(({ src, tgt }) => !unheard.has(src.node) && !unheard.has(tgt.node));
    return [...new Set(edges.map(({ src, tgt }) => `${src.node}.OUT > ${tgt.node}.IN`))].sort();
  }

  #catchUp(): void {
    for (; this.#taken < this.editor.told.length; this.#taken += 1) {
      const told = this.editor.told[this.#taken];
      if (told) this.#replica.take(told);
    }
  }

  /** Without what others on a shared broker may have announced meanwhile, and what has not ended yet. */
  #ours(value: object): object {
    return JSON.parse(JSON.stringify(value, (key, one) => (key === 'nodes' ? this.#nodesOfOurs(one) : one)));
  }

  #nodesOfOurs(nodes: unknown): unknown {
    if (typeof nodes !== 'object' || nodes === null || Array.isArray(nodes)) return nodes;
    return Object.fromEntries(Object.entries(nodes).filter(([id]) => id.startsWith(this.#tag)));
  }
}

async function within(limitMs: number, isSo: () => Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + limitMs; performance.now() < endMs; await delay(100)) {
    if (await isSo()) return;
  }
}
