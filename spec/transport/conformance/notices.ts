import { expect } from 'chai';
import type { Broker } from '../../../src/transport/index.js';
import type { Server } from './server.js';
import { eventually, type Stage } from './stage.js';

interface Seen {
  readonly texts: string[];
  cancel(): Promise<void>;
}

export function noticeSpecs(server: () => Server, stage: () => Stage): void {
  /** Texts of what is watched; a retained one has a star. */
  async function watch(broker: Broker, name: string): Promise<Seen> {
    const texts: string[] = [];
    const watching = await broker.watch(name, (body, { retained }) => texts.push(`${body}${retained ? '*' : ''}`));
    return { texts, cancel: () => watching.cancel() };
  }
  const until = (seen: Seen, text: string) => eventually(() => seen.texts.includes(text), `the notice ${text}`);

  it('shows a notice to all who watch its name', async () => {
    const [one, two] = [await stage().connect(), await stage().connect()];
    const name = stage().name('notice');
    const seen = [await watch(one, name), await watch(one, name), await watch(two, name)];
    await two.notify({ name, body: Buffer.from('hello') });
    for (const { texts } of seen) await eventually(() => texts.length > 0, 'the notice');
    for (const { texts } of seen) expect(texts).to.deep.equal(['hello']);
  });

  it('keeps a retained notice for later watchers, the newest one, until it is cleared', async () => {
    const [one, two, three] = [await stage().connect(), await stage().connect(), await stage().connect()];
    const name = stage().name('kept');
    await one.notify({ name, body: Buffer.from('old'), retain: true });
    await one.notify({ name, body: Buffer.from('new'), retain: true });
    const seen = await watch(two, name);
    await until(seen, 'new*');
    await one.notify({ name, body: Buffer.from('newer'), retain: true });
    await until(seen, 'newer');
    expect(seen.texts).to.deep.equal(['new*', 'newer']);
    const alsoLater = await watch(two, name);
    await until(alsoLater, 'newer*');
    await one.notify({ name, body: Buffer.alloc(0), retain: true });
    const late = await watch(three, name);
    await one.notify({ name, body: Buffer.from('passing') });
    await until(late, 'passing');
    expect(late.texts).to.deep.equal(['passing']);
  });

  it('does not keep what is not retained, and stops at cancel()', async () => {
    const broker = await stage().connect();
    const name = stage().name('passing');
    await broker.notify({ name, body: Buffer.from('before') });
    const [leaving, staying] = [await watch(broker, name), await watch(broker, name)];
    await broker.notify({ name, body: Buffer.from('during') });
    await until(staying, 'during');
    await until(leaving, 'during');
    await leaving.cancel();
    await leaving.cancel();
    await broker.notify({ name, body: Buffer.from('after') });
    await until(staying, 'after');
    expect(leaving.texts).to.deep.equal(['during']);
    expect(staying.texts).to.deep.equal(['during', 'after']);
  });

  it('publishes the last words of a client that dies, and not of one that closes', async function () {
    const broker = await stage().connect();
    if (!broker.capabilities.lastWords || !server().kill) return this.skip();
    const name = stage().name('gone');
    const seen = await watch(broker, name);
    const leaving = await stage().connect({ lastWords: { name, body: Buffer.from('left') } });
    await leaving.close();
    const mortal = await stage().connect({ lastWords: { name, body: Buffer.from('died') } });
    await stage().kill(mortal);
    await until(seen, 'died');
    expect(seen.texts).to.deep.equal(['died']);
  });
}
