import { randomUUID } from 'node:crypto';
import { asQueueName, type QueueName } from '../../../src/names.js';
import { type Logger, silentLogger } from '../../../src/support/index.js';
import type { Broker, ClientOptions, Delivery, Handler } from '../../../src/transport/index.js';
import { openMqtt, Router, type RouterOptions } from '../../../src/transport/mqtt/index.js';

/** Queue names that no other spec uses. */
export const unique = (name: string): QueueName => asQueueName(`${name}-${randomUUID().slice(0, 8)}`);

/** Opens clients and routers, and closes all of them after each spec. */
export class Opened {
  readonly #closes: (() => Promise<void>)[] = [];

  async client(url: string, options: Partial<ClientOptions> = {}, log: Logger = silentLogger): Promise<Broker> {
    const client = await openMqtt(new URL(url), { id: `spec-${randomUUID().slice(0, 8)}`, ...options }, log);
    this.#closes.push(() => client.close({ graceMs: 0 }));
    await client.connect({ signal: AbortSignal.timeout(10_000) });
    return client;
  }

  async router(url: string, options: Partial<RouterOptions> = {}): Promise<Router> {
    const router = new Router({ address: new URL(url), log: silentLogger, heartbeatMs: 200, ...options });
    this.#closes.push(() => router.stop());
    await router.start();
    return router;
  }

  later(close: () => Promise<void>): void {
    this.#closes.push(close);
  }

  async closeAll(): Promise<void> {
    for (const close of this.#closes.splice(0).reverse()) await close();
  }
}

/** Takes deliveries and acks them; `until(n)` waits for n different data. */
export class Received {
  readonly deliveries: Delivery[] = [];
  readonly distinct = new Set<string>();
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  readonly handler: Handler = async (delivery) => {
    this.deliveries.push(delivery);
    this.distinct.add(JSON.stringify(delivery.data));
    for (const { count, resolve } of this.#waiting) if (this.distinct.size >= count) resolve();
    return { verdict: 'ack', outputs: [] };
  };

  get data(): readonly unknown[] {
    return this.deliveries.map(({ data }) => data);
  }

  async until(count: number, limitMs = 10_000): Promise<void> {
    if (this.distinct.size >= count) return;
    await new Promise<void>((resolve, reject) => {
      const text = (): string => `${this.distinct.size} of ${count} came in ${limitMs} ms`;
      const timer = setTimeout(() => reject(new Error(text())), limitMs);
      this.#waiting.push({
        count,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      });
    });
  }
}

/** Asks until it holds. */
export async function eventually(condition: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const lateMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > lateMs) throw new Error(`not so within ${limitMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Calls `send` with 0, 1, ... `count` - 1, 20 at a time. */
export async function flood(count: number, send: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const n = next;
      next += 1;
      await send(n);
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
}

/** Sends again every second until it is there: what a broker has not written when it is killed is lost to everybody. */
export async function insist(send: () => Promise<void>, isThere: () => boolean): Promise<void> {
  for (;;) {
    await send();
    const came = await eventually(isThere, 1000).then(
      () => true,
      () => false,
    );
    if (came) return;
  }
}
