import { messageOf, UsageError } from '../errors.js';
import { type Logger, timeLimit } from '../support/index.js';

export interface RuntimePingerOptions {
  /** Every `$RUNTIME_ID` in it stands for the runtime's id. */
  readonly url: string;
  /** @default 'POST' */
  readonly method?: string;
  /** Milliseconds from one ping to the next; 0 sends none. */
  readonly intervalMs: number;
  readonly runtimeId: string;
  readonly log: Logger;
  /** After so long a ping has failed. @default 10,000 */
  readonly timeoutMs?: number;
}

/** Tells a registry from time to time that the runtime is alive. What it answers matters to nobody but the log. */
export class RuntimePinger {
  readonly #options: RuntimePingerOptions;
  readonly #url: URL;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #inFlight: Promise<void> | undefined;

  /** @throws {UsageError} for a URL that is none. */
  constructor(options: RuntimePingerOptions) {
    const url = options.url.replaceAll('$RUNTIME_ID', () => encodeURIComponent(options.runtimeId));
    if (!/^https?:/i.test(url) || !URL.canParse(url)) throw new UsageError('--ping-url must be an http or https URL');
    this.#options = options;
    this.#url = new URL(url);
  }

  /** Pings at once and then at each interval. A ping that is still under way is not overtaken by another. */
  start(): void {
    const { intervalMs } = this.#options;
    if (this.#timer || intervalMs <= 0 || this.#stopping.signal.aborted) return;
    this.#timer = setInterval(() => this.#next(), intervalMs);
    this.#next();
  }

  /** Gives up a ping under way. Resolves when nothing is left. Idempotent. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#inFlight;
  }

  #next(): void {
    this.#inFlight ??= this.#ping().finally(() => {
      this.#inFlight = undefined;
    });
  }

  async #ping(): Promise<void> {
    const { method = 'POST', timeoutMs = 10_000, log } = this.#options;
    const limit = timeLimit(timeoutMs, this.#stopping.signal);
    try {
      const { url, headers } = withoutCredentials(this.#url);
      const response = await fetch(url, { method, headers, signal: limit.signal });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`answered ${response.status}`);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      log.warnOnce('ping', `pinging ${this.#url.origin} failed: ${reasonOf(error)}; going on in silence`);
    } finally {
      limit.end();
    }
  }
}

/** Passwords leave the URL for a header: `fetch` refuses such URLs, and names them whole in its error. */
function withoutCredentials(from: URL): { readonly url: URL; readonly headers: Record<string, string> } {
  const url = new URL(from);
  const headers: Record<string, string> = { connection: 'close' };
  if (url.username || url.password) {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }
  url.username = '';
  url.password = '';
  return { url, headers };
}

/** `fetch` says only that it failed; why is in the cause. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}
