import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Coordinator, type CoordinatorEvent, type CoordinatorOptions } from '../../src/coordinator/index.js';
import { type Graph, readFbp } from '../../src/graph/index.js';
import { type Component, participant } from '../../src/participant/index.js';
import { silentLogger } from '../../src/support/index.js';
import { Network, until } from '../participant/network.js';

export const graphOf = (text: string): Graph => readFbp(text, { path: 'main.fbp' }).graph;

/** Passes on what it gets. */
export const repeat: Component = participant({
  component: 'Repeat',
  inports: { in: {} },
  outports: { out: {} },
  process: ({ in: data }, { send }) => send('out', data),
});

/** A sink that keeps what it got. */
export function sink(): { readonly component: Component; readonly got: unknown[] } {
  const got: unknown[] = [];
  const component = participant({
    component: 'Keep',
    inports: { in: {} },
    process: ({ in: data }) => void got.push(data),
  });
  return { component, got };
}

/** Everything that the graph wants is there, and nothing is left to do. */
export const complete = (coordinator: Coordinator): Promise<void> =>
  until(() => coordinator.report().isComplete && coordinator.isIdle);

/** A coordinator that runs, all it has told, and its end as by SIGTERM. */
export interface Coordinated {
  readonly coordinator: Coordinator;
  readonly events: readonly CoordinatorEvent[];
  readonly stop: () => Promise<void>;
}

/** A broker in process, a folder, and coordinators that keep their records in it. */
export class Scene {
  readonly network: Network;
  readonly folder: string;

  private constructor(network: Network, folder: string) {
    this.network = network;
    this.folder = folder;
  }

  static async open(): Promise<Scene> {
    return new Scene(await Network.open(), await mkdtemp(join(tmpdir(), 'msgflo-coordinator-')));
  }

  async close(): Promise<void> {
    await this.network.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async coordinate(text: string, options: Partial<CoordinatorOptions> = {}): Promise<Coordinated> {
    const { network } = this;
    const broker = await network.registry.open(network.address, { id: `c-${Math.random()}` }, silentLogger);
    await broker.connect();
    const events: CoordinatorEvent[] = [];
    const coordinator = new Coordinator({
      graph: graphOf(text),
      broker,
      run: 'r1',
      recordsPath: join(this.folder, 'records.json'),
      log: silentLogger,
      ...options,
    });
    coordinator.subscribe((event) => events.push(event));
    const stop = async (): Promise<void> => {
      await coordinator.stop();
      await broker.close();
    };
    network.own(stop);
    await coordinator.start();
    return { coordinator, events, stop };
  }
}
