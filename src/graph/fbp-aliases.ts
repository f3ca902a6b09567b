import { asRole, type Role } from '../names.js';
import { GraphNotWritableError, GraphSyntaxError } from './errors.js';
import type { FbpDocument } from './fbp-document.js';
import type { AliasNote, Note } from './fbp-notes.js';
import { portNameIn } from './keys.js';
import type { Graph } from './model.js';
import { findRenames } from './renames.js';
import { NAME_KINDS, type NameKind, namesIn, type Spelling } from './respelled.js';
import { nameFault } from './role-fault.js';

/**
 * A name that the grammar of .fbp has no letters for stands in the text under an alias, and a note of ours gives the name:
 * `# @role {"demo_Repeat":"demo/Repeat"}`, likewise `@component` and `@port`. Statements and other notes use the alias.
 * A text thus speaks of a *spelled* graph, the one that other readers see; `respelled` leads from it to the graph and back.
 */
const ALPHABETS: Readonly<Record<NameKind, { readonly fits: RegExp; readonly beyond: RegExp }>> = {
  role: { fits: /^[A-Za-z_][A-Za-z0-9_-]*$/, beyond: /[^A-Za-z0-9_-]/gu },
  component: { fits: /^[A-Za-z0-9_/-]*$/, beyond: /[^A-Za-z0-9_/-]/gu },
  port: { fits: /^[A-Za-z_][A-Za-z0-9_.]*$/, beyond: /[^A-Za-z0-9_.]/gu },
};

const isAlias = (note: Note | undefined): note is AliasNote => NAME_KINDS.some((kind) => kind === note?.kind);

/**
 * The names that the text gives its aliases; a note whose alias stands nowhere does nothing.
 * @throws {GraphSyntaxError} at a note that gives an alias a second name or a name a second alias, or whose name stands in
 *   a statement as well
 */
export function namesBehind(document: FbpDocument, spelled: Graph): Spelling {
  const inText = namesIn(spelled);
  const names = noNames();
  const taken = noNames();
  for (const { note, start } of document.lines) {
    if (!isAlias(note)) continue;
    const { kind } = note;
    const read = (text: string): string => (kind === 'port' ? portNameIn(document, text) : text);
    const alias = read(note.alias);
    const name = read(note.name);
    const other = names[kind].get(alias) ?? name;
    const before = taken[kind].get(name) ?? alias;
    let what: string | undefined;
    if (other !== name) what = `'${alias}' already stands for the ${kind} '${other}'`;
    else if (before !== alias) what = `the ${kind} '${name}' already has the alias '${before}'`;
    else if (inText[kind].has(name)) what = `the text has a ${kind} '${name}' that is not '${alias}'`;
    if (what !== undefined) throw new GraphSyntaxError(document.path, document.index.position(start), what);
    names[kind].set(alias, name);
    taken[kind].set(name, alias);
  }
  return names;
}

/** A text to be changed: the graph that it spells and the names behind its aliases. */
export interface Spelled {
  readonly graph: Graph;
  readonly names: Spelling;
}

/**
 * From name to alias. Aliases that the text has stay unless the graph now uses them as names; new ones are no name and no
 * alias of graph or text.
 * @throws {GraphNotWritableError} for a name that not even an alias helps
 */
export function aliasesFor(graph: Graph, text?: Spelled): Spelling {
  const inGraph = namesIn(graph);
  const inText = text && namesIn(text.graph);
  const choose = (kind: NameKind): ReadonlyMap<string, string> => {
    const fits = (name: string): boolean => isSpellable(kind, name) && (kind !== 'port' || isInCase(graph, name));
    const own = new Set<string>(inGraph[kind]);
    if (kind === 'role') for (const role of graph.groups.flatMap(({ roles }) => roles)) own.add(role);
    const known = [...(text?.names[kind] ?? [])];
    const kept = known.filter(([alias, name]) => inGraph[kind].has(name) && !own.has(alias) && fits(alias));
    const aliases = new Map(kept.map(([alias, name]) => [name, alias]));
    const taken = new Set([...own, ...(inText?.[kind] ?? []), ...known.map(([alias]) => alias)]);
    for (const name of inGraph[kind]) {
      refuseUnspeakable(graph, kind, name);
      if (aliases.has(name) || fits(name)) continue;
      const alias = freeAlias(kind, name, taken);
      taken.add(alias);
      aliases.set(name, alias);
    }
    return aliases;
  };
  return { role: choose('role'), component: choose('component'), port: choose('port') };
}

/** The notes that go with them. */
export const aliasNotes = (aliases: Spelling): AliasNote[] =>
  NAME_KINDS.flatMap((kind) => [...aliases[kind]].map(([name, alias]): AliasNote => ({ kind, alias, name })));

/** As `findRenames`, in the words of the text: also roles that keep their name and get another alias. */
export function spelledRenames(text: Spelled, before: Graph, after: Graph, aliases: Spelling): ReadonlyMap<Role, Role> {
  const inText = namesIn(text.graph).role;
  const inAfter = namesIn(after).role;
  const aliasesBefore = new Map([...text.names.role].map(([alias, name]) => [name, alias]));
  const now = (name: string): Role => asRole(aliases.role.get(name) ?? name);
  const renames = new Map<Role, Role>();
  for (const [alias, name] of text.names.role) {
    if (inAfter.has(name) && now(name) !== alias) renames.set(asRole(alias), now(name));
  }
  for (const [from, to] of findRenames(before, after)) {
    const old = asRole(aliasesBefore.get(from) ?? from);
    const fresh = now(to);
    // A name that stands in the text for another node, which goes, cannot be taken over.
    if (old !== fresh && (!inText.has(fresh) || renames.has(fresh))) renames.set(old, fresh);
  }
  return renames;
}

const noNames = (): Record<NameKind, Map<string, string>> => ({
  role: new Map(),
  component: new Map(),
  port: new Map(),
});

const isSpellable = (kind: NameKind, name: string): boolean =>
  ALPHABETS[kind].fits.test(name) && (kind === 'component' || !(name in Object.prototype));

const isInCase = ({ caseSensitive }: Graph, port: string): boolean => caseSensitive || port === port.toLowerCase();

/** Letters that the alphabet lacks become `_`; a name that cannot stand or is taken gets a number. */
function freeAlias(kind: NameKind, name: string, taken: ReadonlySet<string>): string {
  const letters = name.replace(ALPHABETS[kind].beyond, '_');
  const base = ALPHABETS[kind].fits.test(letters) ? letters : `_${letters}`;
  let alias = base;
  for (let nth = 2; taken.has(alias) || !isSpellable(kind, alias); nth += 1) alias = `${base}_${nth}`;
  return alias;
}

function refuseUnspeakable(graph: Graph, kind: NameKind, name: string): void {
  if (kind === 'component') return;
  const fault = nameFault(name);
  if (fault !== undefined) throw new GraphNotWritableError(`${kind} ${JSON.stringify(name)}`, fault);
  if (kind === 'port' && !isInCase(graph, name))
    throw new GraphNotWritableError(`port '${name}'`, 'ports of a graph that is not case-sensitive are in lower case');
}
