/**
 * What a transport promises, as specs that every transport runs. Each asks the client what it can do: a missing ability
 * must be refused with a code, and is specified that way. A new transport begins by being listed with
 * `describeTransport(name, { start })`.
 */
import { bindingSpecs } from './conformance/bindings.js';
import { browsingSpecs } from './conformance/browsing.js';
import { deadLetterSpecs } from './conformance/dead-letters.js';
import { expirySpecs } from './conformance/expiry.js';
import { flowSpecs } from './conformance/flow.js';
import { largeMessageSpecs } from './conformance/large-messages.js';
import { lifecycleSpecs } from './conformance/lifecycle.js';
import { limitSpecs } from './conformance/limits.js';
import { messageSpecs } from './conformance/messages.js';
import { noticeSpecs } from './conformance/notices.js';
import { queueOptionSpecs } from './conformance/queue-options.js';
import { queueSpecs } from './conformance/queues.js';
import { releasingSpecs } from './conformance/releasing.js';
import type { Harness, Server } from './conformance/server.js';
import { settlingSpecs } from './conformance/settling.js';
import { slowConsumerSpecs } from './conformance/slow-consumers.js';
import { Stage } from './conformance/stage.js';
import { tapSpecs } from './conformance/taps.js';
import { visitSpecs } from './conformance/visits.js';

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
    describe('visits to dead letters', () => visitSpecs(stage));
    describe('queues', () => queueSpecs(stage));
    describe('options of queues', () => queueOptionSpecs(server, stage));
    describe('messages that waited too long', () => expirySpecs(stage));
    describe('limits of queues', () => limitSpecs(stage));
    describe('slow consumers', () => slowConsumerSpecs(stage));
    describe('flow', () => flowSpecs(stage));
    describe('large messages', () => largeMessageSpecs(server, stage));
    describe('bindings', () => bindingSpecs(stage));
    describe('browsing', () => browsingSpecs(server, stage));
    describe('taps', () => tapSpecs(server, stage));
    describe('notices', () => noticeSpecs(server, stage));
    describe('lifecycle', () => lifecycleSpecs(server, stage));
  });
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the ${what} is not there yet`);
  return value;
}
