import type { EngineSession, Stop } from '../engine/index.js';
import { readHeaders } from '../log/index.js';
import { WireError } from '../log/wire/index.js';
import { asQueueName } from '../names.js';
import type { Fields, FrameSocket } from '../transport/log/index.js';

/** Beyond this many bytes that the client has not read, its copies of taps are dropped. */
const TAP_BUFFER_BYTES = 1024 * 1024;
/** A copy larger than that is for those only who have read nearly everything. */
const TAP_IDLE_BYTES = 64 * 1024;
/** Beyond this (notices alone can come so far) it is cut off. */
const MAX_BUFFER_BYTES = 256 * 1024 * 1024;

/** What one client watches and taps; ends with its session. */
export class ClientLooks {
  readonly #frames: FrameSocket;
  readonly #open = new Map<number, Stop>();

  constructor(frames: FrameSocket) {
    this.#frames = frames;
  }

  begin(session: EngineSession, op: 'watch' | 'tap', fields: Fields): void {
    const [watch, name] = [fields.count('watch'), fields.text('name')];
    this.#open.set(watch, op === 'tap' ? this.#tap(session, watch, name) : this.#watch(session, watch, name));
  }

  end(fields: Fields): void {
    const watch = fields.count('watch');
    this.#open.get(watch)?.();
    this.#open.delete(watch);
  }

  #tap(session: EngineSession, watch: number, outqueue: string): Stop {
    return session.tap(asQueueName(outqueue), ({ headers, body }) => {
      const { bufferedBytes } = this.#frames;
      const hasRoom = bufferedBytes + body.length <= TAP_BUFFER_BYTES || bufferedBytes < TAP_IDLE_BYTES;
      if (hasRoom) this.#frames.send({ op: 'tapped', watch, headers: readHeaders(headers).headers }, body);
    });
  }

  #watch(session: EngineSession, watch: number, name: string): Stop {
    return session.watch(name, (body, retained) => {
      this.#frames.send({ op: 'notice', watch, retained }, body);
      if (this.#frames.bufferedBytes > MAX_BUFFER_BYTES)
        this.#frames.destroy(new WireError('the client does not read'));
    });
  }
}
