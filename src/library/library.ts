import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../errors.js';
import type { Role } from '../names.js';
import { readTextFile } from '../support/index.js';
import { NoSourceError, UnknownComponentError } from './errors.js';
import { languageOf } from './languages.js';
import { pathForCommand } from './scan.js';
import { argumentsOf, shellText, takesIips, type Values } from './template.js';

/** A kind of program that the project has. */
export interface ComponentInfo {
  /** With its namespace where it has one. */
  readonly name: string;
  /** The command template, its variables already written in. */
  readonly template: string;
  /** Absolute; absent for a component that is just a command. */
  readonly path?: string;
  readonly language?: string;
}

/** One start of a component. */
export interface StartRequest {
  readonly role: Role;
  /** IIPs by inport; they go into the command line only where the template has `#IIPS`. @default {} */
  readonly iips?: Readonly<Record<string, unknown>>;
}

export interface Command {
  /** Program and arguments, to be started without a shell in the library's `baseDir`. */
  readonly argv: readonly string[];
  /** The IIPs went along on the command line and must not be sent again. */
  readonly takesIips: boolean;
}

export interface ShellCommand {
  /** For a POSIX shell, to be started in the library's `baseDir`. */
  readonly text: string;
  readonly takesIips: boolean;
}

export interface Source {
  /** Without namespace. */
  readonly name: string;
  readonly language: string;
  readonly code: string;
}

/** The longest program text that is shown to editors, and taken from them, in bytes. */
export const MAX_SOURCE_BYTES = 1024 * 1024;

export interface LibraryContent {
  readonly components: readonly ComponentInfo[];
  readonly baseDir: string;
  readonly componentDir: string;
  /** Of the files in the component directory that a handler can run: `.js` and the like. */
  readonly extensions: readonly string[];
  readonly namespace?: string;
  readonly repository?: string;
  /** Scripts that run under this Node instead of being looked up in PATH, by the word that starts a command. */
  readonly ownExecutables: Readonly<Record<string, string>>;
}

/** The components of one project and how to start them. Does not change; load it again to see new files. */
export class Library {
  /** Where commands are to be started; file names in them are relative to it. */
  readonly baseDir: string;
  readonly componentDir: string;
  /** See `LibraryContent`. */
  readonly extensions: readonly string[];
  readonly namespace: string | undefined;
  readonly repository: string | undefined;
  readonly #components: ReadonlyMap<string, ComponentInfo>;
  readonly #ownExecutables: ReadonlyMap<string, string>;

  constructor(content: LibraryContent) {
    this.baseDir = content.baseDir;
    this.componentDir = content.componentDir;
    this.extensions = content.extensions;
    this.namespace = content.namespace;
    this.repository = content.repository;
    this.#components = new Map(content.components.map((component) => [component.name, component]));
    this.#ownExecutables = new Map(Object.entries(content.ownExecutables));
  }

  components(): readonly ComponentInfo[] {
    return [...this.#components.values()];
  }

  /** Whether everything that it knows is what the other knows. */
  isSameAs(other: Library): boolean {
    return (
      isDeepStrictEqual({ ...this }, { ...other }) &&
      isDeepStrictEqual(this.#components, other.#components) &&
      isDeepStrictEqual(this.#ownExecutables, other.#ownExecutables)
    );
  }

  /** Finds `<namespace>/<name>` also as `<name>`, and the other way round. */
  find(component: string): ComponentInfo | undefined {
    const prefix = this.namespace ? `${this.namespace}/` : '';
    const other = component.startsWith(prefix) ? component.slice(prefix.length) : prefix + component;
    return this.#components.get(component) ?? this.#components.get(other);
  }

  /**
   * @throws {UnknownComponentError}
   * @throws {UsageError} when the template asks for what only a shell can do, or for what the component does not have
   */
  commandFor(component: string, request: StartRequest): Command {
    const info = this.#get(component, request.role);
    const [program = '', ...rest] = argumentsOf(info.template, this.#values(info, request), owner(info));
    const script = this.#ownExecutables.get(program);
    const argv = script === undefined ? [program, ...rest] : [process.execPath, script, ...rest];
    return { argv, takesIips: takesIips(info.template) };
  }

  /** The same for a shell: the template is its text, the values are quoted. @throws as `commandFor` */
  shellCommandFor(component: string, request: StartRequest): ShellCommand {
    const info = this.#get(component, request.role);
    const program = info.template.trimStart().split(/\s/, 1)[0] ?? '';
    const script = this.#ownExecutables.get(program);
    const text = shellText(info.template.trimStart(), this.#values(info, request), owner(info));
    if (script === undefined) return { text, takesIips: takesIips(info.template) };
    const prefix = shellText('#COMPONENT #FILENAME', { COMPONENT: process.execPath, FILENAME: script }, owner(info));
    return { text: prefix + text.slice(program.length), takesIips: takesIips(info.template) };
  }

  /**
   * @throws {UnknownComponentError}
   * @throws {NoSourceError} also when the file cannot be read any more, is no text, or has over `MAX_SOURCE_BYTES`
   */
  async source(component: string): Promise<Source> {
    const info = this.#get(component, undefined);
    if (info.path === undefined)
      throw new NoSourceError(`component '${info.name}' is the command '${info.template}'; it has no source here`);
    try {
      const { text } = await readTextFile(info.path, MAX_SOURCE_BYTES);
      return { name: bareName(info.name), language: languageOf(info.path), code: text };
    } catch (error) {
      throw new NoSourceError(`cannot read the source of '${info.name}': ${messageOf(error)}`, { cause: error });
    }
  }

  #get(component: string, role: Role | undefined): ComponentInfo {
    const info = this.find(component);
    if (!info) throw new UnknownComponentError(component, role, [...this.#components.keys()]);
    return info;
  }

  #values(info: ComponentInfo, { role, iips = {} }: StartRequest): Values {
    const values = { ROLE: role, COMPONENT: info.name, COMPONENTNAME: bareName(info.name), IIPS: JSON.stringify(iips) };
    return info.path === undefined ? values : { ...values, FILENAME: pathForCommand(this.baseDir, info.path) };
  }
}

function owner(info: ComponentInfo): string {
  return `component '${info.name}'`;
}

function bareName(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}
