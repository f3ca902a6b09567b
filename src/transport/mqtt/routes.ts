import { TimeoutError } from '../../errors.js';
import type { Logger } from '../../support/index.js';
import { type Binding, RefusedError } from '../index.js';
import { type RoutingBoard, routeKey } from './routing-board.js';

/** How long a router that is there may take to carry out a route. */
const APPLY_LIMIT_MS = 10_000;
/** How long a router is waited for that is perhaps just being started. */
const COMING_LIMIT_MS = 5000;

/** Bindings on a broker that cannot bind: wishes kept at the broker, which a router carries out. */
export class Routes {
  readonly #board: RoutingBoard;
  readonly #address: string;
  readonly #log: Logger;

  constructor(board: RoutingBoard, address: string, log: Logger) {
    this.#board = board;
    this.#address = address;
    this.#log = log;
  }

  /** Resolves when the router forwards; where none comes within 5 s, the broker has the route. @throws {TimeoutError} */
  async bind(binding: Binding): Promise<void> {
    const { source, target } = binding;
    if (source === target) throw new RefusedError(`'${source}' cannot be bound to itself`);
    await this.#board.sync();
    await this.#board.putRoute(binding);
    await this.#applied(binding, true);
  }

  /** Resolves when the router forwards no more. @throws {TimeoutError} */
  async unbind(binding: Binding): Promise<void> {
    await this.#board.sync();
    await this.#board.removeRoute(binding);
    await this.#applied(binding, false);
  }

  async list(): Promise<readonly Binding[]> {
    await this.#board.sync();
    return [...this.#board.routes.values()];
  }

  async #applied(binding: Binding, wanted: boolean): Promise<void> {
    const board = this.#board;
    const key = routeKey(binding);
    if (!(await board.until(() => board.leader !== undefined, COMING_LIMIT_MS))) {
      const text = `bindings wait for a router, and none is running: msgflo-router --broker ${this.#address}`;
      this.#log.warnOnce('router', text);
      return;
    }
    if (await board.until(() => board.routed.has(key) === wanted || board.leader === undefined, APPLY_LIMIT_MS)) return;
    const { source, target } = binding;
    throw new TimeoutError(`the router did not ${wanted ? 'bind' : 'unbind'} '${source}' -> '${target}' in time`);
  }
}
