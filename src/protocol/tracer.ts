import type { Push } from './data-frames.js';
import type { Network } from './network.js';

export interface TracerOptions {
  readonly network: Network;
  /** @default Date.now */
  readonly nowMs?: () => number;
}

const DEFAULT_BYTES = 1024 * 1024;
/** What a client may have kept at most. */
export const MAX_TRACE_BYTES = 16 * DEFAULT_BYTES;

/** What is in every graph that programs read, whether it holds any or not. */
const EMPTY_GRAPH = { caseSensitive: false, inports: {}, outports: {}, groups: [], processes: {}, connections: [] };

/**
 * One record of what went on in the network, shared by all clients: the latest events that fit into so many bytes.
 * Written as Flowtrace, which programs show and play back.
 */
export class Tracer {
  readonly #network: Network;
  readonly #nowMs: () => number;
  #isRecording = false;
  #maxBytes = DEFAULT_BYTES;
  /** JSON texts. Those before `#oldest` are gone. */
  #events: string[] = [];
  #oldest = 0;
  #bytes = 0;
  #dropped = 0;
  #startMs: number | undefined;
  #endMs: number | undefined;
  #switched = (): void => {};

  constructor({ network, nowMs = Date.now }: TracerOptions) {
    this.#network = network;
    this.#nowMs = nowMs;
  }

  get isRecording(): boolean {
    return this.#isRecording;
  }

  /** There is something to dump, if only that nothing happened. */
  get hasBegun(): boolean {
    return this.#startMs !== undefined;
  }

  /** Calls `listener` whenever recording begins or ends; there is one at a time. */
  onSwitched(listener: () => void): void {
    this.#switched = listener;
  }

  /** Begins anew; where it is recording, only the bound becomes another. @throws {RangeError} beyond MAX_TRACE_BYTES */
  start(maxBytes = DEFAULT_BYTES): void {
    if (!(maxBytes > 0 && maxBytes <= MAX_TRACE_BYTES)) throw new RangeError(`a trace cannot have ${maxBytes} bytes`);
    this.#maxBytes = maxBytes;
    this.#drop();
    if (this.#isRecording) return;
    this.#isRecording = true;
    this.clear();
    this.#switched();
  }

  /** What there is stays to be dumped. Idempotent. */
  stop(): void {
    if (!this.#isRecording) return;
    this.#isRecording = false;
    this.#endMs = this.#nowMs();
    this.#switched();
  }

  /** Forgets what was recorded, as if it had begun only now. */
  clear(): void {
    this.#events = [];
    this.#oldest = 0;
    this.#bytes = 0;
    this.#dropped = 0;
    this.#endMs = this.#isRecording ? undefined : this.#nowMs();
    this.#startMs = this.#nowMs();
  }

  /** Takes no notice unless it is recording. */
  record({ protocol, command, payload }: Push): void {
    if (!this.#isRecording || protocol !== 'network') return;
    const end = JSON.stringify({ graph: this.#network.graphId, time: new Date(this.#nowMs()) });
    const event = `{"protocol":"${protocol}","command":"${command}","payload":${payload},${end.slice(1)}`;
    this.#events.push(event);
    this.#bytes += Buffer.byteLength(event);
    this.#drop();
  }

  /** The trace as the text of a Flowtrace file. */
  async dump(): Promise<string> {
    const { id, label, namespace, repository, repositoryVersion, graphId } = this.#network;
    const events = this.#events.slice(this.#oldest);
    const metadata = {
      label,
      runtime: id,
      type: 'msgflo',
      namespace,
      repository,
      repositoryVersion,
      start: timeOf(this.#startMs ?? this.#nowMs()),
      end: timeOf(this.#endMs ?? this.#nowMs()),
      dropped: this.#dropped,
    };
    const graph = { ...EMPTY_GRAPH, ...objectOf(await this.#network.graphSource()) };
    const header = JSON.stringify({ metadata, graphs: { [graphId]: graph }, main: graphId });
    return `{"header":${header},"events":[${events.join(',\n')}]}`;
  }

  /** Lets the oldest go until the rest fits. */
  #drop(): void {
    while (this.#bytes > this.#maxBytes) {
      this.#bytes -= Buffer.byteLength(this.#events[this.#oldest] ?? '');
      this.#events[this.#oldest] = '';
      this.#oldest += 1;
      this.#dropped += 1;
    }
    if (this.#oldest * 2 <= this.#events.length) return;
    this.#events = this.#events.slice(this.#oldest);
    this.#oldest = 0;
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function objectOf(json: string): object {
  const value: unknown = JSON.parse(json);
  return typeof value === 'object' && value !== null ? value : {};
}
