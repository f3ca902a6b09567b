import type { Editor } from './editor.js';
import type { Replica } from './replica.js';

export const PATH_MOVES = ['detour', 'again', 'rename', 'rename-end', 'insert', 'instances'] as const;

interface Path {
  readonly tag: string;
  readonly src: string;
  readonly middle: readonly [string, ...string[]];
  readonly sink: string;
}

/** How one client edits a path `src -> ... -> sink` of a running graph: it moves all the time and is never cut. */
export class PathMoves {
  readonly #editor: Editor;
  readonly #tag: string;
  #src: string;
  #sink: string;
  /** All of them lead to the sink. */
  readonly #middle: string[];
  #first: string;
  #made = 0;

  /** `middle` are nodes that lead to the sink; the source leads to the first of them. Role names begin with `tag`. */
  constructor(editor: Editor, { tag, src, middle, sink }: Path) {
    this.#editor = editor;
    this.#tag = tag;
    this.#src = src;
    this.#sink = sink;
    this.#middle = [...middle];
    this.#first = middle[0];
  }

  /** @param pick chooses among what could be meant */
  async make(move: (typeof PATH_MOVES)[number], pick: number): Promise<void> {
    const node = this.#middle[pick % this.#middle.length] ?? this.#first;
    if (move === 'detour') await this.#lead(node === this.#first ? (this.#middle.at(-1) ?? node) : node);
    if (move === 'again') await this.#lead(this.#first);
    if (move === 'rename') await this.#rename(node);
    if (move === 'rename-end') await this.#renameEnd(pick % 2 === 0);
    if (move === 'insert') await this.#insert(pick % 2 === 0 ? 'Work' : 'Repeat');
    if (move === 'instances') {
      await this.#editor.ask('graph:changenode', { id: node, metadata: { instances: 1 + (pick % 2) } });
    }
  }

  /** As editors do it: the edge is removed, and then there is another. */
  async #lead(to: string): Promise<void> {
    const before = this.#edge(this.#first);
    this.#first = to;
    await Promise.all([
      this.#editor.ask('graph:removeedge', before),
      this.#editor.ask('graph:addedge', { ...this.#edge(to), metadata: {} }),
    ]);
  }

  async #rename(node: string): Promise<void> {
    const to = this.#newName();
    this.#middle[this.#middle.indexOf(node)] = to;
    if (this.#first === node) this.#first = to;
    await this.#editor.ask('graph:renamenode', { from: node, to });
  }

  /** Whoever writes down what is sent, or what has come, goes on under another name. */
  async #renameEnd(isSource: boolean): Promise<void> {
    const from = isSource ? this.#src : this.#sink;
    const to = `${this.#newName()}${isSource ? 'src' : 'sink'}`;
    if (isSource) this.#src = to;
    else this.#sink = to;
    await this.#editor.ask('graph:renamenode', { from, to });
  }

  /** A new node comes in between the source and what was first. */
  async #insert(component: string): Promise<void> {
    const next = this.#first;
    const id = this.#newName();
    this.#middle.push(id);
    this.#first = id;
    const on = { src: { node: id, port: 'out' }, tgt: { node: next, port: 'in' }, metadata: {} };
    await Promise.all([
      this.#editor.ask('graph:removeedge', this.#edge(next)),
      this.#editor.ask('graph:addnode', { id, component, metadata: {} }),
      this.#editor.ask('graph:addedge', { ...this.#edge(id), metadata: {} }),
      this.#editor.ask('graph:addedge', on),
    ]);
  }

  #edge(to: string): object {
    return { src: { node: this.#src, port: 'out' }, tgt: { node: to, port: 'in' } };
  }

  #newName(): string {
    this.#made += 1;
    return `${this.#tag}mid${this.#made}`;
  }
}

export const SIDE_MOVES = [
  'add-node',
  'add-unknown',
  'remove-node',
  'rename-node',
  'move-node',
  'add-edge',
  'remove-edge',
  'change-edge',
  'add-iip',
  'remove-iip',
  'export',
  'unexport',
  'rename-port',
  'group',
  'change-group',
  'rename-group',
  'ungroup',
  'impossible',
] as const;

type Request = readonly [name: string, payload: object];

/**
 * How another client edits the same graph at the same time, beside the path: nodes whose names hold `side`. It looks at
 * what it has been told so far, so that a request may be impossible by the time it arrives; then it is refused.
 */
export function sideMove(
  replica: Replica,
  tag: string,
  {
    move,
    pick,
    serial,
  }: { readonly move: (typeof SIDE_MOVES)[number]; readonly pick: number; readonly serial: number },
): Request | undefined {
  const of = <T>(all: readonly T[]): T | undefined => all[pick % Math.max(1, all.length)];
  const isSide = (id: string): boolean => id.startsWith(`${tag}side`);
  const side = of(replica.nodes.filter(isSide));
  const any = of(replica.nodes.filter((id) => id.startsWith(tag) && !id.endsWith('sink')));
  const edge = of(replica.edges.filter(({ tgt }) => isSide(tgt.node)));
  const iip = of(replica.iips);
  const group = of(replica.groups);
  const port = of(replica.exported('in'));
  const name = `${tag}side${serial}`;
  switch (move) {
    case 'add-node':
      return ['graph:addnode', { id: name, component: 'Repeat', metadata: { x: pick } }];
    case 'add-unknown':
      return ['graph:addnode', { id: name, component: 'Unheard', metadata: {} }];
    case 'remove-node':
      return side === undefined ? undefined : ['graph:removenode', { id: side }];
    case 'rename-node':
      return side === undefined ? undefined : ['graph:renamenode', { from: side, to: name }];
    case 'move-node':
      return any === undefined ? undefined : ['graph:changenode', { id: any, metadata: { x: pick, y: serial } }];
    case 'add-edge':
      if (side === undefined || any === undefined || side === any) return undefined;
      return ['graph:addedge', { src: { node: any, port: 'out' }, tgt: { node: side, port: 'in' }, metadata: {} }];
    case 'remove-edge':
      return edge && ['graph:removeedge', edge];
    case 'change-edge':
      return edge && ['graph:changeedge', { ...edge, metadata: { route: pick % 10 } }];
    case 'add-iip':
      if (side === undefined) return undefined;
      return ['graph:addinitial', { src: { data: serial }, tgt: { node: side, port: 'in' }, metadata: {} }];
    case 'remove-iip':
      return iip && ['graph:removeinitial', { tgt: iip.tgt }];
    case 'export':
      return side === undefined ? undefined : ['graph:addinport', { public: `p${serial}`, node: side, port: 'in' }];
    case 'unexport':
      return port === undefined ? undefined : ['graph:removeinport', { public: port }];
    case 'rename-port':
      return port === undefined ? undefined : ['graph:renameinport', { from: port, to: `p${serial}` }];
    case 'group':
      return side === undefined ? undefined : ['graph:addgroup', { name: `g${serial}`, nodes: [side], metadata: {} }];
    case 'change-group':
      return group === undefined ? undefined : ['graph:changegroup', { name: group, metadata: { description: name } }];
    case 'rename-group':
      return group === undefined ? undefined : ['graph:renamegroup', { from: group, to: `g${serial}` }];
    case 'ungroup':
      return group === undefined ? undefined : ['graph:removegroup', { name: group }];
    case 'impossible':
      return ['graph:removenode', { id: `${tag}nobody` }];
  }
}
