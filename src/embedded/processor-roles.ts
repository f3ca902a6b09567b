import {
  announcementOf,
  type Definition,
  DISCOVERY_NOTICE,
  DISCOVERY_PERIOD_MS,
  goneMessageOf,
  type PortDefinition,
  ROLL_CALL_NOTICE,
} from '../discovery/index.js';
import type { Engine, EngineSession, Stop } from '../engine/index.js';
import { messageOf } from '../errors.js';
import type { LogNode, ProcessorDefinition } from '../log/index.js';
import { asParticipantId, asPortName, asQueueName, asRole } from '../names.js';
import type { Logger } from '../support/index.js';

export interface ProcessorRolesOptions {
  readonly node: Pick<LogNode, 'processors' | 'onProcessor' | 'onProcessorRemoved'>;
  readonly engine: Pick<Engine, 'open' | 'notify'>;
  readonly log: Logger;
  /** How often they are announced, in ms. @default a little more than twice within the period of discovery */
  readonly intervalMs?: number;
}

/**
 * Shows the processors of a node as participants, so that a graph can be wired to them: each is announced when it is
 * defined, from time to time and when the roll is called, and said to be gone when it is removed. They take no wiring: what
 * a processor makes goes to its topics whether anybody is bound there or not.
 */
export class ProcessorRoles {
  readonly #options: ProcessorRolesOptions;
  readonly #session: EngineSession;
  readonly #stops: readonly Stop[];
  readonly #timer: NodeJS.Timeout;

  constructor(options: ProcessorRolesOptions) {
    const { node, engine, intervalMs = DISCOVERY_PERIOD_MS / 2.2 } = options;
    this.#options = options;
    this.#session = engine.open({ id: 'processors' });
    this.#stops = [
      this.#session.watch(ROLL_CALL_NOTICE, (_body, retained) => {
        if (!retained) this.#announceAll();
      }),
      node.onProcessor((processor) => this.#announce(processor)),
      node.onProcessorRemoved((processor) => this.#tell(goneMessageOf(definitionOf(processor)))),
    ];
    this.#timer = setInterval(() => this.#announceAll(), intervalMs);
    this.#announceAll();
  }

  /** Nothing is announced afterwards. They are not said to be gone: they come back with their node. Idempotent. */
  close(): void {
    clearInterval(this.#timer);
    for (const stop of this.#stops) stop();
    this.#session.end('left');
  }

  #announceAll(): void {
    for (const processor of this.#options.node.processors()) this.#announce(processor);
  }

  #announce(processor: ProcessorDefinition): void {
    const definition = definitionOf(processor);
    // What it makes can be bound before there is any; its own topics are read by its procs, and are no inqueues.
    const declared = definition.outports.map(({ queue }) =>
      this.#session.declare('outqueue', queue, { persistent: true }),
    );
    Promise.all(declared).then(
      () => this.#tell(announcementOf(definition)),
      (error: unknown) => this.#failed(error),
    );
  }

  #tell(body: Buffer): void {
    this.#options.engine
      .notify({ name: DISCOVERY_NOTICE, body, retain: false })
      .catch((error: unknown) => this.#failed(error));
  }

  /** It is announced again before long. */
  #failed(error: unknown): void {
    this.#options.log.debug(`could not announce a processor: ${messageOf(error)}`);
  }
}

/** As discovery tells of it. A log has one processor of a name, and it is the same one after a restart. */
function definitionOf({ name, from, to }: ProcessorDefinition): Definition {
  return {
    id: asParticipantId(`log-${name}`),
    role: asRole(name),
    component: `log/${name}`,
    label: 'Processor of the log',
    icon: 'cogs',
    inports: portsOf('in', from),
    outports: portsOf('out', to),
  };
}

/** One topic makes a port of that name; each of several one that is named after it, as far as a graph can write it. */
function portsOf(name: string, topics: readonly string[]): PortDefinition[] {
  const taken = new Set<string>();
  return topics.map((topic) => {
    const plain = topics.length === 1 ? name : topic.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');
    let id = plain;
    // Graphs may write ports in another case.
    for (let again = 2; taken.has(id.toLowerCase()); again++) id = `${plain}_${again}`;
    taken.add(id.toLowerCase());
    return { id: asPortName(id), queue: asQueueName(topic), type: 'object' };
  });
}
