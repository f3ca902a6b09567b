import { once } from 'node:events';
import { promisify } from 'node:util';
import { UsageError } from '../errors.js';
import { createLogger, type Logger, within } from '../support/index.js';
import type { Client, TransportRegistry } from '../transport/index.js';
import type { Component } from './component.js';
import { LegacyClient } from './legacy-client.js';
import { type LegacyParticipant, type LoadedModule, loadComponent } from './load-component.js';
import { Participant } from './participant.js';
import { newParticipantId, participantClientOptions } from './participant-options.js';
import type { Permits } from './permits.js';
import { StartedTimers } from './started-timers.js';

export interface RunOptions {
  readonly role: string;
  /** URL of the broker. */
  readonly address: string;
  readonly registry: TransportRegistry;
  /** Stops the participant. */
  readonly signal: AbortSignal;
  /** @default `<role>-<uuid>` */
  readonly id?: string;
  /** See `ClientOptions`; whoever has it is closed. @default `<role>.1` for as long as nobody else has it */
  readonly slot?: string;
  readonly run?: string;
  readonly iips?: Readonly<Record<string, unknown>>;
  readonly periodMs?: number;
  /** How long what is in hand may take when it is stopped. @default 3500, within the 5 s that a keeper gives */
  readonly graceMs?: number;
  /** See `ParticipantOptions`. */
  readonly processPermits?: Permits;
  readonly log?: Logger;
  /** The process lives longer than the participant, whose file may have changed since it was loaded. @default false */
  readonly isShared?: boolean;
  /** Called when the participant has been announced. */
  readonly onStarted?: () => void;
}

const GRACE_MS = 3500;

/**
 * Runs the participant that a module defines until `signal` aborts; resolves when it has stopped.
 * @throws {ModuleError} @throws {BrokerUnreachableError} and whatever its setup() or produce() throws
 */
export async function runComponent(file: string, options: RunOptions): Promise<void> {
  if (options.role === '') throw new UsageError('a participant needs a role');
  const loaded = await loadComponent(file, options.isShared);
  if (loaded.kind === 'component') await runParticipant(loaded.component, options);
  else await runLegacy(loaded, options);
}

/** The same for a component that is there already. */
export async function runParticipant(component: Component, options: RunOptions): Promise<void> {
  const { role, signal, graceMs = GRACE_MS, onStarted } = options;
  const { id, broker, log } = await openClient(options);
  const participant = new Participant(component, {
    ...options,
    role,
    id,
    broker,
    scheme: schemeOf(options.address),
    log,
  });
  await participant.start({ signal });
  onStarted?.();
  try {
    await Promise.race([participant.finished, aborted(signal)]);
  } finally {
    await participant.stop({ graceMs });
  }
}

async function runLegacy({ create }: Extract<LoadedModule, { kind: 'legacy' }>, options: RunOptions): Promise<void> {
  const { role, signal, graceMs = GRACE_MS, iips = {}, onStarted } = options;
  const { broker, log } = await openClient(options);
  const client = new LegacyClient(broker, { signal, graceMs, log });
  const timers = new StartedTimers();
  try {
    const participant = create(client, role);
    await promisify<void>((callback) => participant.start(callback))();
    timers.end();
    for (const [port, data] of Object.entries(iips)) handOver(participant, port, data, log);
    onStarted?.();
    await aborted(signal);
    await promisify<void>((callback) => client.disconnect(callback))();
    await stopLegacy(participant, graceMs);
  } finally {
    timers.end();
    timers.unref();
    await broker.close({ graceMs: 0 });
  }
}

function handOver(participant: LegacyParticipant, port: string, data: unknown, log: Logger): void {
  if (participant.send) participant.send(port, data, () => undefined);
  else log.warn(`the module has no send(): the IIP of inport '${port}' is ignored`);
}

/** Its stop() disconnects once more, which does no harm; one that never calls back is not waited for. */
async function stopLegacy(participant: LegacyParticipant, graceMs: number): Promise<void> {
  if (!participant.stop) return;
  const stopped = promisify<void>((callback) => participant.stop?.(callback))();
  await within(stopped, graceMs);
}

async function openClient(options: RunOptions): Promise<{ id: string; broker: Client; log: Logger }> {
  const { role, address, registry, slot, id = newParticipantId(role), log = createLogger(role) } = options;
  const place = slot === undefined ? { slot: `${role}.1`, slotIfFree: true } : { slot };
  return { id, log, broker: await registry.open(address, participantClientOptions({ id, role, ...place }), log) };
}

function schemeOf(address: string): string {
  return address.slice(0, Math.max(0, address.indexOf(':')));
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
