import { setTimeout as delay } from 'node:timers/promises';
import { startMosquitto } from '../support/mosquitto.js';
import { startRabbit } from '../support/rabbitmq.js';
import { withClient } from './outside.js';

/** A broker that a spec can ask what is bound in truth, past the coordinator. */
export interface OpenBroker {
  /** Undefined for the embedded one. */
  readonly url: string | undefined;
  /** `a.OUT > b.IN`, sorted: those between queues whose names hold `tag`. */
  bindings(tag: string, folder: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** By `rabbitmqctl`. */
export async function openRabbit(): Promise<OpenBroker> {
  const rabbit = await startRabbit();
  return {
    url: rabbit.url,
    stop: () => rabbit.stop(),
    bindings: async (tag) => {
      const list = await rabbit.ctl('list_bindings', 'source_name', 'destination_name', 'destination_kind');
      const rows = list.split('\n').map((line) => line.split('\t'));
      return named(
        rows.flatMap(([source = '', target = '', kind]) => (kind === 'queue' ? [{ source, target }] : [])),
        tag,
      );
    },
  };
}

/** By calling the roll: each participant says what its inports are subscribed to. */
export async function openMosquitto(): Promise<OpenBroker> {
  const { url, stop } = await startMosquitto();
  const bindings = async (tag: string, folder: string): Promise<readonly string[]> => {
    const found = new Map<string, readonly { readonly source: string; readonly target: string }[]>();
    await withClient({ folder }, url, async (broker) => {
      await broker.watch('fbp', (body) => {
        const { command, payload }: Announcement = JSON.parse(body.toString());
        if (command === 'gone') found.delete(payload.id);
        if (command !== 'participant') return;
        const rows = payload.inports.flatMap(({ queue, sources = [] }) =>
          sources.map((source) => ({ source, target: queue })),
        );
        found.set(payload.id, rows);
      });
      const body = Buffer.from(JSON.stringify({ protocol: 'discovery', command: 'rollcall', payload: {} }));
      await broker.notify({ name: 'fbp.rollcall', body });
      await delay(500);
    });
    return named([...found.values()].flat(), tag);
  };
  return { url, stop, bindings };
}

/** By asking it as a client of its own. */
export async function openEmbedded(): Promise<OpenBroker> {
  return {
    url: undefined,
    stop: async () => {},
    bindings: async (tag, folder) => {
      return withClient({ folder }, undefined, async (broker) => named(await broker.bindings(), tag));
    },
  };
}

interface Announcement {
  readonly command: string;
  readonly payload: {
    readonly id: string;
    readonly inports: readonly { readonly queue: string; readonly sources?: readonly string[] }[];
  };
}

function named(rows: readonly { readonly source: string; readonly target: string }[], tag: string): readonly string[] {
  const ours = rows.filter(({ source, target }) => source.includes(tag) && target.includes(tag));
  const edges = ours.filter(({ source, target }) => source.endsWith('.OUT') && target.endsWith('.IN'));
  return [...new Set(edges.map(({ source, target }) => `${source} > ${target}`))].sort();
}
