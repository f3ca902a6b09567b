import { load, YAMLException } from 'js-yaml';
import { type Definition, readAnnouncement } from '../discovery/index.js';
import { messageOf, UsageError } from '../errors.js';
import { TopicPattern } from './topic-pattern.js';

/** A YAML file of foreign participants is not what it should be. The message names file and place. */
export class ForeignYamlError extends UsageError {}

/** Devices that are known by a topic only: each topic heard that matches is a participant of its own. */
export interface DevicePattern {
  readonly pattern: TopicPattern;
  /** The participant behind a topic that matches. @throws {ForeignYamlError} */
  definitionOf(topic: string): Definition;
}

/** What a file says: participants that are there anyhow, and devices to listen for. */
export interface ForeignFile {
  readonly definitions: readonly Definition[];
  readonly patterns: readonly DevicePattern[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads foreign participants from YAML: one of the given role, or a map `participants:` from role to participant. In a
 * file of many, one with a `topic:` pattern describes devices: `#1`, `#2`, ... in its texts and its role stand for what
 * the wildcards match, `#TOPIC` for the whole topic. `#ROLE` is replaced everywhere. See docs/devices.md.
 *
 * @param path for messages only
 * @throws {ForeignYamlError}
 */
export function readForeignYaml(text: string, path: string, role?: string): ForeignFile {
  const file = fieldsOf(parse(text, path), `${path}: a foreign participant is a map with 'component'`);
  if (file.participants === undefined) {
    if (!role) throw new ForeignYamlError(`${path}: give it a role, or list roles under 'participants'`);
    return { definitions: [definitionOf(file, path, role)], patterns: [] };
  }
  if (role) throw new ForeignYamlError(`${path}: it names its roles under 'participants', '${role}' cannot be another`);
  const definitions: Definition[] = [];
  const patterns: DevicePattern[] = [];
  for (const [name, value] of Object.entries(
    fieldsOf(file.participants, `${path}: 'participants' is a map of roles`),
  )) {
    const entry = fieldsOf(value, `${path}: participant '${name}' is a map with 'component'`);
    if (entry.topic === undefined) definitions.push(definitionOf(entry, path, name));
    else patterns.push(devicePattern(entry, path, name));
  }
  return { definitions, patterns };
}

function parse(text: string, path: string): unknown {
  try {
    return load(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw new ForeignYamlError(`${path}: ${messageOf(error)}`, { cause: error });
    const line = error.mark ? `:${error.mark.line + 1}` : '';
    throw new ForeignYamlError(`${path}${line}: ${error.reason}`, { cause: error });
  }
}

function devicePattern(entry: Fields, path: string, name: string): DevicePattern {
  if (typeof entry.topic !== 'string') throw new ForeignYamlError(`${path}: participant '${name}': 'topic' is text`);
  const pattern = patternOf(entry.topic, `${path}: participant '${name}'`);
  const create = (topic: string, found: readonly string[]): Definition => {
    const fill = (text: string): string =>
      text.replace(/#(TOPIC|\d+)/g, (marker, which: string) =>
        which === 'TOPIC' ? topic : (found[Number(which) - 1] ?? marker),
      );
    const role = fill(name) === name && found.length > 0 ? [name, ...found].join('-') : fill(name);
    return definitionOf(fieldsOf(mapTexts(entry, fill), path), path, role);
  };
  // A mistake in the ports shows now, not when the first device is heard.
  create(entry.topic, []);
  return { pattern, definitionOf: (topic) => create(topic, pattern.match(topic) ?? []) };
}

function patternOf(text: string, where: string): TopicPattern {
  try {
    return new TopicPattern(text);
  } catch (error) {
    throw new ForeignYamlError(`${where}: ${messageOf(error)}`, { cause: error });
  }
}

function definitionOf(entry: Fields, path: string, role: string): Definition {
  const where = `${path}: participant '${role}'`;
  const filled = fieldsOf(
    mapTexts(entry, (text) => text.replaceAll('#ROLE', role)),
    where,
  );
  const { component, id = role, label, icon } = filled;
  if (typeof component !== 'string' || component === '') throw new ForeignYamlError(`${where}: 'component' is missing`);
  const inports = portsOf(filled.inports, `${where}: inports`);
  const outports = portsOf(filled.outports, `${where}: outports`);
  const read = readAnnouncement(
    Buffer.from(
      JSON.stringify({
        protocol: 'discovery',
        command: 'participant',
        payload: { id, role, component, label, icon, inports, outports },
      }),
    ),
  );
  if (read.kind === 'participant') return read.definition;
  throw new ForeignYamlError(`${where}: ${read.kind === 'invalid' ? read.reason : 'it is no participant'}`);
}

/** A list of ports, or a map from port to what it is. */
function portsOf(ports: unknown, where: string): Fields[] {
  if (ports === undefined || ports === null) return [];
  if (Array.isArray(ports)) {
    return ports.map((port, at) => portOf(port, `${where}[${at}]`, undefined));
  }
  return Object.entries(fieldsOf(ports, `${where}: a list or a map of ports`)).map(([id, port]) =>
    portOf(port ?? {}, `${where}.${id}`, id),
  );
}

function portOf(value: unknown, where: string, key: string | undefined): Fields {
  const port = fieldsOf(value, `${where}: a port is a map with 'queue'`);
  const { id = key, queue } = port;
  if (typeof id !== 'string' || id === '') throw new ForeignYamlError(`${where}: 'id' is missing`);
  if (queue !== undefined && queue !== null && typeof queue !== 'string') {
    throw new ForeignYamlError(`${where}: 'queue' is text, not ${JSON.stringify(queue)}`);
  }
  return { ...port, id };
}

function fieldsOf(value: unknown, otherwise: string): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new ForeignYamlError(otherwise);
  return value as Fields;
}

/** The same value with every text replaced, keys not. */
function mapTexts(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, replace));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, replace)]));
}
