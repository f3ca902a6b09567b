/**
 * What a transport promises, as specs that every transport runs. Each asks the client what it can do: a missing ability
 * must be refused with a code, and is specified that way. A new transport begins by being listed with
 * `describeTransport(name, { start })`.
 */
import { bindingSpecs } from './conformance/bindings.js';
import { deadLetterSpecs } from './conformance/dead-letters.js';
import { lifecycleSpecs } from './conformance/lifecycle.js';
import { messageSpecs } from './conformance/messages.js';
import { noticeSpecs } from './conformance/notices.js';
import { queueSpecs } from './conformance/queues.js';
import { releasingSpecs } from './conformance/releasing.js';
import type { Harness, Server } from './conformance/server.js';
import { settlingSpecs } from './conformance/settling.js';
import { Stage } from './conformance/stage.js';
import { tapSpecs } from './conformance/taps.js';

export type { Harness, Server } from './conformance/server.js';

/** The server is started once; clients and names are new in every spec. */
export function describeTransport(name: string, { start }: Harness): void {
  describe(`transport ${name}`, () => {
    let running: Server | undefined;
    let current: Stage | undefined;
    const server = (): Server => required(running, 'server');
    const stage = (): Stage => required(current, 'stage');

    before(async function () {
      this.timeout(120_000);
      running = await start();
    });
    after(async function () {
      this.timeout(30_000);
      await running?.stop();
    });
    beforeEach(() => {
      current = new Stage(server());
    });
    afterEach(async () => {
      await current?.clear();
    });

    describe('messages', () => messageSpecs(stage));
    describe('settling', () => settlingSpecs(stage));
    describe('releasing', () => releasingSpecs(stage));
    describe('dead letters', () => deadLetterSpecs(server, stage));
    describe('queues', () => queueSpecs(stage));
    describe('bindings', () => bindingSpecs(stage));
    describe('taps', () => tapSpecs(server, stage));
    describe('notices', () => noticeSpecs(server, stage));
    describe('lifecycle', () => lifecycleSpecs(server, stage));
  });
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the ${what} is not there yet`);
  return value;
}
