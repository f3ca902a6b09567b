import { type Edit, type Graph, writeJson } from '../graph/index.js';
import type { PortName } from '../names.js';
import type {
  ComponentInfo,
  ComponentSource,
  EdgeStatus,
  Network,
  NetworkEvent,
  NetworkStatus,
  NewGraph,
  NodeStatus,
  Origin,
  QueueFigures,
  RelayedMessage,
  Wish,
} from '../protocol/index.js';
import type { Logger } from '../support/index.js';
import { ComponentCatalog } from './component-catalog.js';
import type { Coordination, GraphStore, LiveGraph, Relay } from './coordination.js';
import { EdgeView } from './edge-view.js';
import { sendToExported, touchesPorts } from './exported-ports.js';
import { ForeignRoles } from './foreign-roles.js';
import { GraphEdits } from './graph-edits.js';
import { checkReplaces, graphIdOf, newGraph } from './graph-identity.js';
import { latestWithin } from './latest-within.js';
import { MissingComponents } from './missing-components.js';
import { News } from './news.js';
import { nodeStatuses } from './node-status.js';
import type { Project } from './project.js';
import { SourceEdits } from './source-edits.js';

export interface RuntimeOptions {
  /** A UUID that stays the same over restarts. */
  readonly id: string;
  /** Makes the network; the caller's, as all the other parts are. */
  readonly coordinator: Coordination;
  readonly project: Project;
  readonly store: GraphStore;
  /** The graph's file, for messages; absent where there is none. */
  readonly file?: string;
  readonly relay?: Relay;
  /** The commit of the project. */
  readonly repositoryVersion?: string;
  readonly log: Logger;
}

type Live = LiveGraph & { readonly graphId: string };

/** How long a broker may take to tell how busy it is, in ms. */
const BUSY_WITHIN_MS = 800;

/**
 * The running network as editors see and change it: the wanted graph, which edits change at once; the coordinator, which
 * makes it so; the components of the project; and what there is to be told of all these. It is on the path of no message.
 *
 * It begins with its construction; `close` ends what it does, and leaves the parts to who made them.
 */
export class Runtime implements Network {
  readonly id: string;
  readonly label = 'msgflo';
  readonly namespace?: string;
  readonly repository?: string;
  readonly repositoryVersion?: string;
  readonly #options: RuntimeOptions;
  readonly #catalog: ComponentCatalog;
  readonly #foreign: ForeignRoles;
  readonly #edits: GraphEdits;
  readonly #edges: EdgeView;
  readonly #news: News;
  readonly #sources: SourceEdits;
  readonly #missing: MissingComponents;
  readonly #isBusy: () => Promise<boolean>;
  readonly #listeners = new Set<(event: NetworkEvent) => void>();
  readonly #closing = new AbortController();
  readonly #unsubscribe: () => void;
  #live: Live;
  #isDebugging = false;

  constructor(options: RuntimeOptions) {
    const { id, coordinator, project, store, repositoryVersion } = options;
    const { namespace, repository } = project.library;
    this.id = id;
    if (namespace !== undefined) this.namespace = namespace;
    if (repository !== undefined) this.repository = repository;
    if (repositoryVersion !== undefined) this.repositoryVersion = repositoryVersion;
    this.#options = options;
    this.#live = { graphId: graphIdOf(store.live.graph, namespace), ...store.live };
    this.#catalog = new ComponentCatalog({
      library: () => project.library,
      definitions: () => coordinator.definitions(),
    });
    this.#foreign = new ForeignRoles(coordinator, this.#catalog);
    this.#edits = new GraphEdits({ coordinator, project, foreign: this.#foreign });
    this.#edges = new EdgeView(this.#live.graph, coordinator);
    const { data } = this.#edges;
    const tell = (event: NetworkEvent): void => this.#tell(event);
    this.#news = new News({ coordinator, catalog: this.#catalog, data, graph: () => this.graph(), tell });
    this.#sources = new SourceEdits(project);
    this.#missing = new MissingComponents({
      project,
      graph: () => this.graph(),
      log: options.log,
      found: () => coordinator.relaunch(),
    });
    this.#isBusy = latestWithin(() => coordinator.instruments.isBusy(), { withinMs: BUSY_WITHIN_MS, before: false });
    this.#unsubscribe = coordinator.subscribe((event) => {
      if (event.kind === 'report') this.#foreign.update();
      this.#news.take(event);
    });
    store.onOutside((change) => this.#editedOutside(change));
    store.onProblem((message) => tell({ kind: 'error', message }));
  }

  get graphId(): string {
    return this.#live.graphId;
  }

  graph(): Graph {
    return this.#live.graph;
  }

  /** Roles that were discovered but that the graph does not name stand among its nodes; they are never saved. */
  graphSource(): string {
    const roles = this.#foreign.beside(this.graph()).map(({ role }) => role);
    return writeJson(this.#catalog.shown(this.graph(), roles));
  }

  components(): readonly ComponentInfo[] {
    return this.#catalog.all();
  }

  componentSource(name: string): Promise<ComponentSource | undefined> {
    return this.#catalog.source(name);
  }

  async setComponentSource(source: ComponentSource): Promise<ComponentInfo> {
    const { coordinator } = this.#options;
    const { name, roles, isNew } = await this.#sources.write(source, () => this.graph());
    const component = this.#catalog.find(name);
    if (!isNew || this.#closing.signal.aborted) return component;
    coordinator.relaunch(roles);
    this.#tell({ kind: 'component', component });
    return component;
  }

  /** `running` is what was known last where the broker takes longer than 800 ms to tell. */
  async status(): Promise<NetworkStatus> {
    const running = this.#live.isStarted && (await this.#isBusy());
    const { isStarted: started } = this.#live;
    return { started, running, uptimeSeconds: this.uptimeSeconds, debug: this.#isDebugging };
  }

  get uptimeSeconds(): number {
    const { liveSinceMs } = this.#options.coordinator;
    return this.#live.isStarted && liveSinceMs !== undefined ? (performance.now() - liveSinceMs) / 1000 : 0;
  }

  edit(edit: Edit, by?: Origin): readonly Edit[] {
    const before = this.graph();
    const { graph, changes } = this.#edits.make(edit, before);
    if (graph !== before) this.#put({ ...this.#live, graph });
    this.#tellEdited(changes, by);
    return changes;
  }

  clear(asked: NewGraph, by?: Origin): void {
    const { coordinator, file } = this.#options;
    const { graph: before, graphId } = this.#live;
    checkReplaces(asked, { names: [graphId, before.name, graphIdOf(before, this.namespace)], file });
    this.setStarted(false, by);
    const graph = newGraph(asked, this.namespace);
    this.#foreign.remove(before.nodes.map(({ role }) => role));
    coordinator.setGraph(graph);
    this.#put({ graph, graphId: asked.id, isStarted: false });
    this.#tell({ kind: 'cleared', ...(by && { by }) });
    if (before.inports.length + before.outports.length > 0) this.#tell({ kind: 'ports' });
  }

  setStarted(isStarted: boolean, by?: Origin): void {
    const isNews = isStarted !== this.#live.isStarted;
    const { uptimeSeconds } = this;
    // Also where it is started already: what was edited just before is to be made now.
    this.#options.coordinator.setStarted(isStarted);
    if (!isNews) return;
    this.#put({ ...this.#live, isStarted });
    const origin = by && { by };
    this.#tell(isStarted ? { kind: 'started', ...origin } : { kind: 'stopped', uptimeSeconds, ...origin });
  }

  setDebug(isOn: boolean): void {
    this.#isDebugging = isOn;
  }

  persist(): Promise<void> {
    return this.#options.store.persist();
  }

  async sendPacket(port: PortName, data: unknown): Promise<void> {
    const { signal } = this.#closing;
    await sendToExported(this.#options.coordinator, this.#edges.routes, { port, data, signal });
  }

  wish(wish: Wish): void {
    this.#edges.wish(wish);
  }

  nodes(): readonly NodeStatus[] {
    const { coordinator, project } = this.#options;
    const graph = this.graph();
    const ours = nodeStatuses(graph, coordinator.report(), project.launchesOf(graph).unfit);
    return [...ours, ...this.#foreign.beside(graph)];
  }

  edges(): readonly EdgeStatus[] {
    return this.#edges.statuses();
  }

  /** Those known last where the broker takes longer than 800 ms to tell. */
  queues(): Promise<readonly QueueFigures[]> {
    return this.#edges.queues();
  }

  relay(graph: string, message: RelayedMessage): Promise<RelayedMessage> | undefined {
    const { relay, coordinator } = this.#options;
    const speaks = coordinator.definitions().filter(({ type }) => type !== undefined);
    const one = speaks.find(({ role }) => role === graph) ?? speaks.find(({ id }) => id === graph);
    return relay && one && relay.ask(one, message);
  }

  subscribe(listener: (event: NetworkEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells nobody anything any more, and gives up packets that nobody took yet. Idempotent. */
  close(): void {
    this.#closing.abort(new Error('the runtime is stopping'));
    this.#unsubscribe();
    this.#news.close();
    this.#missing.close();
    this.#listeners.clear();
  }

  #editedOutside({ graph, edits }: { readonly graph: Graph; readonly edits: readonly Edit[] }): void {
    if (this.#closing.signal.aborted) return;
    this.#edits.takeOver(graph, edits);
    this.#become({ ...this.#live, graph });
    this.#tellEdited(edits);
  }

  #put(live: Live): void {
    const { project, store } = this.#options;
    this.#become(live);
    store.put({ ...live, ...(project.others.length > 0 && { others: project.others }) });
  }

  #become(live: Live): void {
    const isOther = live.graph !== this.#live.graph;
    this.#live = live;
    this.#edges.setGraph(live.graph);
    if (isOther) this.#missing.changed();
  }

  #tellEdited(changes: readonly Edit[], by?: Origin): void {
    this.#tell({ kind: 'edited', changes, ...(by && { by }) });
    if (touchesPorts(this.graph(), changes)) this.#tell({ kind: 'ports' });
  }

  #tell(event: NetworkEvent): void {
    if (this.#closing.signal.aborted) return;
    for (const listener of this.#listeners) listener(event);
  }
}
