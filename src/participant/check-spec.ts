import { UsageError } from '../errors.js';
import { inportKeys, problemOfInport, problemOfNumber, show } from './check-inport.js';
import type { ComponentSpec, Inports, Outports } from './component.js';

/** A component's definition makes no sense: the module that holds it cannot be run. */
export class ComponentError extends UsageError {}

type Loose = Readonly<Record<string, unknown>>;

const texts = ['label', 'icon', 'description'] as const;
const functions = ['setup', 'process', 'produce', 'teardown'] as const;
const componentKeys = ['component', ...texts, 'inports', 'outports', 'prefetch', 'concurrency', ...functions];
const portKeys = ['type', 'description', 'schema', 'validate', 'options', 'hidden', 'queue', 'persistent'];
const COUNT = { least: 1, most: 65_535 };

/**
 * The spec, seen to be one, its author's port types forgotten.
 * @throws {ComponentError} on the first thing that is wrong
 */
export function checkSpec<I extends Inports, O extends Outports, S>(
  spec: ComponentSpec<I, O, S>,
): ComponentSpec<Inports, Outports, unknown> {
  const given = objectOf(spec, 'participant() takes an object with a component');
  const { component } = given;
  if (typeof component !== 'string' || component === '') {
    throw new ComponentError(`participant() needs 'component', the component's name as text; got ${show(component)}`);
  }
  new SpecCheck(component).all(given);
  return given as unknown as ComponentSpec<Inports, Outports, unknown>;
}

class SpecCheck {
  readonly #component: string;

  constructor(component: string) {
    this.#component = component;
  }

  all(given: Loose): void {
    this.#onlyKnown(given, componentKeys, 'it');
    for (const key of texts) this.#kind(given, key, 'string');
    for (const key of functions) this.#kind(given, key, 'function');
    for (const key of ['prefetch', 'concurrency']) this.#none(problemOfNumber(given, key, COUNT));
    const inports = this.#ports(given, 'inports', [...portKeys, ...inportKeys]);
    const outports = this.#ports(given, 'outports', [...portKeys, 'unrouted']);
    for (const [name, port] of Object.entries(inports))
      this.#none(problemOfInport(objectOf(port, '')), `inport '${name}': `);
    this.#queuesDiffer(inports, outports);
    this.#hasWork(given, Object.keys(inports).length);
  }

  #ports(given: Loose, key: 'inports' | 'outports', known: readonly string[]): Loose {
    if (given[key] === undefined) return {};
    const ports = objectOf(given[key], this.#says(`'${key}' is an object of ports by name`));
    for (const [name, value] of Object.entries(ports)) {
      const where = `${key.slice(0, -1)} '${name}'`;
      if (name === '') this.#fail(`'${key}' has a port without a name`);
      const port = objectOf(value, this.#says(`${where} is an object, {} at least`));
      this.#onlyKnown(port, known, where);
      for (const text of ['type', 'description', 'queue']) this.#kind(port, text, 'string', `${where}: `);
      for (const flag of ['hidden', 'persistent']) this.#kind(port, flag, 'boolean', `${where}: `);
      this.#schema(port, where);
      const { unrouted } = port;
      if (unrouted !== undefined && unrouted !== 'drop' && unrouted !== 'hold') {
        this.#fail(`${where}: 'unrouted' is 'drop' or 'hold', not ${show(unrouted)}`);
      }
    }
    return ports;
  }

  #schema({ schema, validate }: Loose, where: string): void {
    if (schema !== undefined && typeof schema !== 'string')
      objectOf(schema, this.#says(`${where}: 'schema' is a JSON Schema, or the path of one`));
    if (validate !== undefined && validate !== 'warn' && validate !== 'reject' && validate !== 'off')
      this.#fail(`${where}: 'validate' is 'warn', 'reject' or 'off', not ${show(validate)}`);
    if (schema === undefined && validate !== undefined && validate !== 'off')
      this.#fail(`${where}: 'validate' needs a 'schema'`);
  }

  /** Queue names are made from port names in upper case: what is told apart by case or direction alone would be one queue. */
  #queuesDiffer(inports: Loose, outports: Loose): void {
    const seen = new Set<string>();
    for (const [name, value] of [...Object.entries(inports), ...Object.entries(outports)]) {
      const queue = objectOf(value, '').queue ?? name.toUpperCase();
      if (seen.has(String(queue))) this.#fail(`two of its ports would share one queue, the second is '${name}'`);
      seen.add(String(queue));
    }
  }

  #hasWork(given: Loose, inports: number): void {
    if (inports > 0 && !given.process) this.#fail('it has inports but no process()');
    if (inports === 0 && given.process) this.#fail('it has process() but no inports');
    if (!given.process && !given.produce) this.#fail('it needs inports with process(), or produce(), or both');
  }

  #onlyKnown(given: Loose, known: readonly string[], where: string): void {
    const unknown = Object.keys(given).find((key) => !known.includes(key));
    if (unknown !== undefined) this.#fail(`${where} has no option '${unknown}'; there are: ${known.join(', ')}`);
  }

  #kind(given: Loose, key: string, kind: 'string' | 'function' | 'boolean', where = ''): void {
    const value = given[key];
    if (value === undefined || typeof value === kind) return;
    this.#fail(`${where}'${key}' is a ${kind}, not ${show(value)}`);
  }

  #none(problem: string | undefined, where = ''): void {
    if (problem !== undefined) this.#fail(`${where}${problem}`);
  }

  #says(text: string): string {
    return `component '${this.#component}': ${text}`;
  }

  #fail(text: string): never {
    throw new ComponentError(this.#says(text));
  }
}

function objectOf(value: unknown, otherwise: string): Loose {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new ComponentError(`${otherwise}, not ${show(value)}`);
  }
  return value as Loose;
}
