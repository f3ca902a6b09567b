import { UnsupportedError } from '../errors.js';
import type { QueueName } from '../names.js';
import type { Capabilities, QueueKind, QueueOptions } from './contract.js';

/** Options of inqueues that not every transport has, and the capability that each needs. */
const NEEDS = {
  ttlMs: 'expiry',
  maxLength: 'limits',
  maxBytes: 'limits',
  quorum: 'queueArguments',
  deliveryLimit: 'queueArguments',
  maxPriority: 'queueArguments',
  arguments: 'queueArguments',
} as const satisfies Partial<Record<keyof QueueOptions, keyof Capabilities>>;

const OPTIONS = Object.keys(NEEDS) as (keyof typeof NEEDS)[];
const NUMBERS = {
  ttlMs: 2 ** 31,
  maxLength: 2 ** 31,
  maxBytes: 2 ** 40,
  deliveryLimit: 10_000,
  maxPriority: 255,
} as const;

/**
 * Sees to it that nothing that is asked for is ignored.
 * @throws {RangeError} for a number that makes no sense @throws {TypeError} for an outqueue, which holds nothing
 * @throws {UnsupportedError} for what the transport cannot do
 */
export function checkQueueOptions(
  kind: QueueKind,
  name: QueueName,
  options: QueueOptions,
  capabilities: Capabilities,
): void {
  for (const option of OPTIONS) {
    const value = options[option];
    if (value === undefined || value === false) continue;
    if (kind === 'outqueue') throw new TypeError(`'${option}' of '${name}': an outqueue holds no messages`);
    if (!capabilities[NEEDS[option]])
      throw new UnsupportedError(`'${option}' of queue '${name}': this broker has nothing of the kind`);
  }
  for (const [option, most] of Object.entries(NUMBERS)) {
    const value: unknown = Reflect.get(options, option);
    const isFine = value === undefined || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most);
    if (!isFine) throw new RangeError(`'${option}' of '${name}' is a whole number from 1 to ${most}, not ${value}`);
  }
}
