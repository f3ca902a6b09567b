import { once } from 'node:events';
import { canReceive } from 'fbp-client/lib/permissions.js';
import validator from 'fbp-client/lib/validate.js';
import { type ClientOptions, WebSocket } from 'ws';

/** The fields that specs read; others are there as well. */
export interface Payload {
  readonly [field: string]: unknown;
  readonly message?: string;
  readonly graph?: string;
  readonly id?: string;
  readonly code?: string;
  readonly capabilities?: readonly string[];
}

export interface Told {
  readonly protocol: string;
  readonly command: string;
  readonly payload: Payload;
  readonly responseTo?: string;
  /** When it came, by `performance.now()`. */
  readonly atMs: number;
}

/** What a client refuses to be sent unless it asked for it; no schema knows it. */
const BEYOND_THE_STANDARD = ['network:watch', 'network:nodes', 'network:edgestates', 'network:queue'];

/** Answers that the protocol asks for, and has no schema of. */
const WITHOUT_SCHEMA = ['network:debug', 'network:persist'];

/** Long enough for a machine that does much else. */
const LIMIT_MS = 20_000;

/** Answers of which more may follow. */
const NOT_THE_LAST = ['component:component'];

const validate = validator();

/** A request was answered by `error`. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/**
 * A client as visual editors are, with one thing more: it holds whatever it is told against the schemas and the table of
 * capabilities by which `fbp-client` judges when it is strict, and keeps what that would call a protocol error.
 */
export class Editor {
  readonly ws: WebSocket;
  readonly told: Told[] = [];
  readonly protocolErrors: string[] = [];
  /** The payload of `runtime:runtime`. */
  runtime: Payload = {};
  readonly #secret: string | undefined;
  readonly #waiting = new Set<() => void>();
  #requests = 0;

  private constructor(ws: WebSocket, secret: string | undefined) {
    this.ws = ws;
    this.#secret = secret;
    ws.on('message', (data) => this.#take(String(data)));
    ws.on('error', () => {});
    ws.on('close', () => this.#wake());
  }

  /** Connects and asks what runtime it is. */
  static async open(
    address: string,
    { secret, ...options }: ClientOptions & { secret?: string } = {},
  ): Promise<Editor> {
    const editor = new Editor(new WebSocket(address, ['noflo'], options), secret);
    await once(editor.ws, 'open');
    editor.runtime = await editor.ask('runtime:getruntime');
    return editor;
  }

  /** How the runtime calls its graph. */
  get graph(): string {
    return this.runtime.graph ?? '';
  }

  /** Sends without waiting for the answer. Payloads get the graph unless they name one. */
  tell(name: string, payload: object = {}, more: object = {}): void {
    const [protocol, command] = name.split(':');
    const graph = ['graph', 'network', 'trace'].includes(protocol ?? '') ? { graph: this.graph } : {};
    const secret = this.#secret === undefined ? {} : { secret: this.#secret };
    this.ws.send(JSON.stringify({ protocol, command, payload: { ...graph, ...payload }, ...secret, ...more }));
  }

  /** The payload of the (last) answer. @throws {RefusedError} with the runtime's message */
  async ask(name: string, payload: object = {}): Promise<Payload> {
    this.#requests += 1;
    const requestId = `request-${this.#requests}`;
    const from = this.told.length;
    this.tell(name, payload, { requestId });
    const isAnswer = (told: Told): boolean =>
      told.responseTo === requestId && !NOT_THE_LAST.includes(`${told.protocol}:${told.command}`);
    const answer = await this.is(
      name === 'component:source' ? (told) => told.responseTo === requestId : isAnswer,
      from,
    );
    if (answer.command === 'error') throw new RefusedError(answer.payload.message ?? '');
    return answer.payload;
  }

  /** The first message of its kind after the first `from`. @throws {Error} when the connection ends, or 20 s pass, before */
  async is(match: (told: Told) => boolean, from = 0): Promise<Told> {
    const late = setTimeout(() => this.#wake(), LIMIT_MS);
    const endMs = performance.now() + LIMIT_MS;
    try {
      for (let next = from; ; ) {
        for (; next < this.told.length; next += 1) {
          const told = this.told[next];
          if (told && match(told)) return told;
        }
        if (this.ws.readyState >= WebSocket.CLOSING) throw new Error('the connection ended');
        if (performance.now() >= endMs) throw new Error(`no message such as ${match} in:\n${this.#latest(from)}`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    } finally {
      clearTimeout(late);
    }
  }

  /** As `is`, by name and some fields of the payload. */
  async hears(name: string, fields: Readonly<Record<string, unknown>> = {}, from = 0): Promise<Told> {
    return this.is((told) => isLike(told, name, fields), from);
  }

  /** All of a name so far. */
  all(name: string, fields: Readonly<Record<string, unknown>> = {}): readonly Told[] {
    return this.told.filter((told) => isLike(told, name, fields));
  }

  /** The main graph as FBP JSON. */
  async source(): Promise<string> {
    return (await this.ask('component:getsource', { name: this.graph })).code ?? '';
  }

  async close(): Promise<void> {
    if (this.ws.readyState === WebSocket.CLOSED) return;
    const closed = once(this.ws, 'close');
    this.ws.terminate();
    await closed;
  }

  #take(text: string): void {
    const message: Omit<Told, 'atMs'> = JSON.parse(text);
    const name = `${message.protocol}:${message.command}`;
    if (name === 'runtime:runtime') this.runtime = message.payload;
    this.told.push({ ...message, atMs: performance.now() });
    if (![...BEYOND_THE_STANDARD, ...WITHOUT_SCHEMA].includes(name)) this.#judge(name, message);
    this.#wake();
  }

  #judge(name: string, message: Omit<Told, 'atMs'>): void {
    const { protocol, command, responseTo, ...rest } = message;
    // The schema of this answer is that of the request, which answers nothing.
    const answer = name === 'network:edges' || responseTo === undefined ? {} : { responseTo };
    validate(`/${protocol}/output/${command}`, { protocol, command, ...rest, ...answer }).catch((error: unknown) => {
      this.protocolErrors.push(`${String(error)} in ${JSON.stringify(message).slice(0, 500)}`);
    });
    const isMeant = protocol === 'runtime' && (command === 'runtime' || command === 'error');
    if (isMeant || canReceive(protocol, command, this.runtime.capabilities ?? [])) return;
    // An answer to what this client was not allowed to ask is no push.
    if (responseTo === undefined) this.protocolErrors.push(`${name} without the capability for it`);
  }

  #latest(from: number): string {
    const texts = this.told.slice(from).map(({ atMs: _at, ...told }) => JSON.stringify(told).slice(0, 300));
    return texts.slice(-20).join('\n');
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

function isLike(
  { protocol, command, payload }: Told,
  name: string,
  fields: Readonly<Record<string, unknown>>,
): boolean {
  if (`${protocol}:${command}` !== name) return false;
  return Object.entries(fields).every(([field, value]) => JSON.stringify(payload[field]) === JSON.stringify(value));
}
