import type { Engine, EngineConsumer, EngineSettlement } from '../../engine/index.js';
import type { QueueName } from '../../names.js';

const AT_ONCE = 500;
const ACK: EngineSettlement = { verdict: 'ack', outputs: [] };

/**
 * Takes the oldest messages of a queue away. Resolves with how many, when that many are gone or `isEnough` says so, which
 * is asked after each that is taken and every 100 ms.
 * @throws {EngineRefusedError} where there is no such queue
 */
export async function discardOldest(
  engine: Engine,
  queue: QueueName,
  { count, isEnough }: { readonly count: number; isEnough(): boolean },
): Promise<number> {
  // Of its own, so that the queue is nobody's afterwards.
  const session = engine.open({ id: 'mqtt-door-discards' });
  let [taken, gone] = [0, 0];
  let consumer: EngineConsumer | undefined;
  const due: number[] = [];
  return await new Promise<number>((resolve) => {
    const finish = (): void => {
      clearInterval(timer);
      session.end('left');
      resolve(gone);
    };
    const settle = (): void => {
      for (const tag of due.splice(0)) {
        consumer?.settle(tag, ACK, ({ state }) => {
          if (state === 'done') gone += 1;
          if (gone >= count) finish();
        });
      }
    };
    consumer = session.consume(queue, Math.min(AT_ONCE, count), ({ tag }) => {
      taken += 1;
      if (taken > count) return;
      due.push(tag);
      if (due.length === 1) setImmediate(settle);
    });
    const timer = setInterval(() => {
      if (isEnough()) finish();
    }, 100);
  });
}
