import { messageOf } from '../errors.js';
import type { Logger } from '../support/index.js';
import type { Subscription } from '../transport/index.js';
import type { ForeignRegistrar } from './foreign-registrar.js';
import type { DevicePattern } from './foreign-yaml.js';

/** Where topics are heard. Only brokers whose queues are topics have one; who runs the watch brings it. */
export interface TopicListener {
  /** Calls `handler` with the topic of every message that matches the pattern. */
  hear(pattern: string, handler: (topic: string) => void): Promise<Subscription>;
}

export interface DeviceWatchOptions {
  readonly listener: TopicListener;
  readonly patterns: readonly DevicePattern[];
  readonly registrar: ForeignRegistrar;
  readonly log: Logger;
  /** Most devices to announce: a pattern too wide must not fill the network. @default 10,000 */
  readonly maxDevices?: number;
}

/** Announces a device when its topic is first heard. */
export class DeviceWatch {
  readonly #options: DeviceWatchOptions;
  readonly #heard = new Set<string>();
  #subscriptions: Subscription[] = [];

  constructor(options: DeviceWatchOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { listener, patterns } = this.#options;
    this.#subscriptions = await Promise.all(
      patterns.map((device) => listener.hear(device.pattern.text, (topic) => this.#onTopic(device, topic))),
    );
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#subscriptions.splice(0).map((subscription) => subscription.cancel()));
  }

  #onTopic({ pattern, definitionOf }: DevicePattern, topic: string): void {
    const { registrar, log, maxDevices = 10_000 } = this.#options;
    const key = `${pattern.text} ${topic}`;
    if (this.#heard.has(key) || !pattern.match(topic)) return;
    if (this.#heard.size >= maxDevices) {
      log.warnOnce('devices', `more than ${maxDevices} devices: '${topic}' and all others are not announced`);
      return;
    }
    this.#heard.add(key);
    try {
      const definition = definitionOf(topic);
      if (registrar.has(definition.id)) return;
      registrar.add(definition).catch((error: unknown) => log.warn(`'${topic}' not announced: ${messageOf(error)}`));
    } catch (error) {
      log.warn(`'${topic}' not announced: ${messageOf(error)}`);
    }
  }
}
