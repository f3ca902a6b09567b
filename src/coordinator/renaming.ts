import type { Definition } from '../discovery/index.js';
import type { Graph } from '../graph/index.js';
import type { Role } from '../names.js';
import type { Logger } from '../support/index.js';
import type { Broker } from '../transport/index.js';
import { Mover, type OpenClient } from './mover.js';
import type { RecordsFile } from './records-file.js';
import type { QueueMove } from './steps.js';
import type { Wanted } from './wanted.js';

export interface RenamingOptions {
  readonly broker: Broker;
  readonly openClient: OpenClient | undefined;
  readonly log: Logger;
  readonly wanted: Wanted;
  readonly records: RecordsFile;
  /** Called when all that waited under an old name has been moved. */
  readonly moved: () => void;
}

/** Roles that have another name now, until all that waited under the old one is moved: a crash in between ends nothing. */
export class Renaming {
  readonly #wanted: Wanted;
  readonly #records: RecordsFile;
  readonly #mover: Mover;

  constructor({ broker, openClient, log, wanted, records, moved }: RenamingOptions) {
    this.#wanted = wanted;
    this.#records = records;
    this.#mover = new Mover({
      broker,
      openClient,
      log,
      isWanted: (from) => records.moves.some((move) => move.from === from),
      moved: (from) => {
        records.forgetMove(from);
        moved();
      },
    });
  }

  /** Roles whose messages are on the move. */
  get moving(): ReadonlySet<Role> {
    return this.#mover.moving;
  }

  /** @param definition of the old name, as far as it is known @throws as `launches` */
  rename(names: { readonly from: Role; readonly to: Role }, graph: Graph, definition: Definition | undefined): void {
    const specs = this.#wanted.launches.get(names.from)?.specs ?? [];
    const slots = specs.flatMap(({ env }) => env?.['MSGFLO_SLOT'] ?? []);
    this.#wanted.setGraph(graph);
    this.#records.recordRename({ ...names, slots });
    if (definition) this.#records.recordInports(definition);
    void this.#records.saved();
  }

  /** Moves what waits under the old name, beside everything else. */
  begin(move: QueueMove): void {
    this.#mover.begin(move);
  }

  /** A role that is there again takes what waits for it; and where the new name was taken away, it stays as it is. */
  forgetVoid(): void {
    const { roles } = this.#wanted.desired;
    if (this.#wanted.isSettled) this.#records.keepMoves(({ from, to }) => roles.has(to) && !roles.has(from));
  }

  async stop(): Promise<void> {
    await this.#mover.stop();
  }
}
