import { randomUUID } from 'node:crypto';
import type { Outlet } from './outlet.js';

/**
 * Makes this client the holder of a slot, and says when another becomes it. Two clients with one client id would cut
 * each other's connection for ever, and not every broker tells the loser why (Mosquitto 2.0 does not). So whoever takes
 * a slot says so on `msgflo/slots/<slot>`, and who hears another after itself gives it up: the broker's order decides.
 */
export async function claimSlot(outlet: Outlet, slot: string, onTaken: () => void): Promise<void> {
  const holder = randomUUID();
  const topic = `msgflo/slots/${encodeURIComponent(slot)}`;
  let isHeld = false;
  await outlet.subscribe(topic, 1, ({ payload }) => {
    if (payload.toString() === holder) isHeld = true;
    else if (isHeld) onTaken();
  });
  await outlet.publish({ topic, payload: Buffer.from(holder) });
}
