import type { Launch, Launcher } from '../../src/coordinator/index.js';
import { type Graph, participantNodes } from '../../src/graph/index.js';
import { asRole, type Role } from '../../src/names.js';
import type { Component, Participant } from '../../src/participant/index.js';
import type { ProcessSpec, ProcessState } from '../../src/process/index.js';
import type { Network } from '../participant/network.js';

/** Runs participants inside the spec's own process, by the name of their component. */
export class InProcessLauncher implements Launcher {
  readonly #network: Network;
  readonly #components: Readonly<Record<string, Component>>;
  readonly #running = new Map<string, Participant>();
  readonly #states = new Map<string, ProcessState>();
  readonly #handlers: ((state: ProcessState) => void)[] = [];
  /** `start a`, `stop a` ... in order. */
  readonly done: string[] = [];

  constructor(network: Network, components: Readonly<Record<string, Component>>) {
    this.#network = network;
    this.#components = components;
  }

  /** The processes of a graph, as `CoordinatorOptions.launches`. */
  readonly launches = (graph: Graph): ReadonlyMap<Role, Launch> =>
    new Map(
      participantNodes(graph)
        .filter(({ component }) => this.#components[component])
        .map(({ role, component }) => [
          role,
          { specs: [{ key: role, role, argv: [component], env: { MSGFLO_SLOT: `${role}.1` } }], takesIips: false },
        ]),
    );

  async list(): Promise<readonly ProcessState[]> {
    return [...this.#states.values()];
  }

  async start({ key, role, argv: [component = ''] }: ProcessSpec): Promise<void> {
    const found = this.#components[component];
    if (this.#running.has(key) || !found) return;
    this.done.push(`start ${key}`);
    this.#running.set(key, await this.#network.start(found, role, { run: 'r1' }));
    this.#become({ key, role: asRole(role), status: 'running', restarts: 0 });
  }

  async stop(key: string): Promise<void> {
    const participant = this.#running.get(key);
    this.#running.delete(key);
    if (!participant) return;
    await participant.stop();
    this.done.push(`stop ${key}`);
    this.#become({ key, role: participant.role, status: 'stopped', restarts: 0 });
  }

  onChange(handler: (state: ProcessState) => void): void {
    this.#handlers.push(handler);
  }

  onOutput(): void {}

  #become(state: ProcessState): void {
    this.#states.set(state.key, state);
    for (const handler of this.#handlers) handler(state);
  }
}
