import type { Graph } from '../graph/index.js';
import { type Library, writeComponent } from '../library/index.js';
import type { Role } from '../names.js';
import type { ComponentSource } from '../protocol/index.js';
import { Semaphore } from '../support/index.js';
import type { Project } from './project.js';

/** What came of a new program text. */
export interface SourceEdit {
  /** With its namespace. */
  readonly name: string;
  /** Whose participants run it. */
  readonly roles: ReadonlySet<Role>;
  /** False: the text was there already, and there is nothing to do. */
  readonly isNew: boolean;
}

/** Writes program texts, one after another, and reads the library again after each. */
export class SourceEdits {
  readonly #project: Project;
  readonly #turn = new Semaphore(1);

  constructor(project: Project) {
    this.#project = project;
  }

  /** @throws {MsgfloError} whose message is for the client; the files are as before then, or the library cannot be read */
  async write(source: ComponentSource, graph: () => Graph): Promise<SourceEdit> {
    return this.#turn.run(async () => {
      const before = await this.#sameText(source);
      if (before !== undefined) return { name: before, roles: new Set(), isNew: false };
      const { path } = await writeComponent(this.#project.library, source);
      await this.#project.reload();
      const { library } = this.#project;
      const name = library.components().find((info) => info.path === path)?.name ?? fullName(library, source.name);
      const isIt = (component: string): boolean => library.find(component)?.name === name;
      const roles = graph().nodes.flatMap(({ role, component }) => (isIt(component) ? [role] : []));
      return { name, roles: new Set(roles), isNew: true };
    });
  }

  /** The name of a component that has this very text already. */
  async #sameText({ name, library: namespace, language, code }: ComponentSource): Promise<string | undefined> {
    const { library } = this.#project;
    const info = library.find(namespace === undefined ? name : `${namespace}/${name}`);
    if (info?.path === undefined || info.language !== language) return undefined;
    const known = await library.source(info.name).catch(() => undefined);
    return known?.code === code ? info.name : undefined;
  }
}

function fullName({ namespace }: Library, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
