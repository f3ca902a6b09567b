import { LastText } from '../../support/index.js';
import { HEADER, timeOf } from '../index.js';
import { CONTENT_TYPE, type Incoming, PROPERTY, type Protocol } from './packets.js';

const NO_IDS: readonly number[] = Object.freeze([]);

/** A variable byte integer that begins at `at`, and where it ends; undefined when there is more to come. */
export function readNumber(bytes: Buffer, at: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let place = 0; place < 4; place += 1) {
    const byte = bytes[at + place];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 128 ** place;
    if (byte < 128) return { value, end: at + place + 1 };
  }
  throw new RangeError('malformed packet: a number has more than four bytes');
}

/** What is the same in most messages of a connection. */
export class UsualTexts {
  readonly topic = new LastText();
  readonly contentType = new LastText();
  #ids: readonly [number] = [0];
  /** Of headers, by the order in which they come. */
  readonly #names: LastText[] = [];

  /** Of subscriptions: mostly it is one, and the same. */
  ids(id: number): readonly [number] {
    if (this.#ids[0] !== id) this.#ids = [id];
    return this.#ids;
  }

  name(place: number): LastText {
    const known = this.#names[place];
    if (known) return known;
    const made = new LastText();
    this.#names[place] = made;
    return made;
  }
}

/**
 * Reads a PUBLISH. The payload is a part of `bytes`.
 * @param flags the low four bits of the first byte
 * @param from where the packet's topic begins
 * @param end where the packet ends
 * @param texts of the connection
 * @throws {RangeError} for what is no PUBLISH
 */
export function readPublish(
  bytes: Buffer,
  flags: number,
  from: number,
  end: number,
  protocol: Protocol,
  texts: UsualTexts,
): Incoming {
  const qos = (flags & 6) === 0 ? 0 : 1;
  let at = from + 2 + bytes.readUInt16BE(from);
  const topic = texts.topic.read(bytes, from + 2, at - from - 2);
  const packetId = qos === 0 ? 0 : bytes.readUInt16BE(at);
  if (qos > 0) at += 2;
  const properties = new Properties(texts);
  if (protocol === 5) at = properties.read(bytes, at);
  if (at > end) throw new RangeError('malformed packet: a PUBLISH ends early');
  return {
    topic,
    payload: bytes.subarray(at, end),
    qos,
    dup: (flags & 8) !== 0,
    retain: (flags & 1) !== 0,
    headers: properties.headers,
    subscriptionIds: properties.subscriptionIds,
    packetId,
  };
}

/** What of a message's properties is of use here. Of a user property that is there more than once, the first counts. */
class Properties {
  readonly #texts: UsualTexts;
  #headers = 0;
  readonly headers: Record<string, string> = {};
  subscriptionIds: readonly number[] = NO_IDS;

  constructor(texts: UsualTexts) {
    this.#texts = texts;
  }

  /** Returns where they end. @throws {RangeError} */
  read(bytes: Buffer, from: number): number {
    const { value, end: begin } = wholeNumber(bytes, from);
    const end = begin + value;
    let at = begin;
    while (at < end) at = this.#readOne(bytes, at);
    if (at > end) throw new RangeError('malformed packet: a property ends late');
    if (this.#headers > 0) this.#addCreation();
    return end;
  }

  /** Where only the id tells when the message was made. */
  #addCreation(): void {
    const id = this.headers[HEADER.messageId];
    if (id === undefined || this.headers[HEADER.createdAt] !== undefined) return;
    const createdMs = timeOf(id);
    if (createdMs !== undefined) this.headers[HEADER.createdAt] = String(createdMs);
  }

  #readOne(bytes: Buffer, from: number): number {
    const at = from + 1;
    switch (bytes[from]) {
      case PROPERTY.user: {
        const valueAt = textEnd(bytes, at);
        const end = textEnd(bytes, valueAt);
        const name = this.#texts.name(this.#headers).read(bytes, at + 2, valueAt - at - 2);
        this.#headers += 1;
        if (!Object.hasOwn(this.headers, name)) this.headers[name] = bytes.toString('utf8', valueAt + 2, end);
        return end;
      }
      case PROPERTY.contentType: {
        const end = textEnd(bytes, at);
        this.headers[CONTENT_TYPE] = this.#texts.contentType.read(bytes, at + 2, end - at - 2);
        return end;
      }
      case PROPERTY.subscriptionId: {
        const { value, end } = wholeNumber(bytes, at);
        this.subscriptionIds =
          this.subscriptionIds === NO_IDS ? this.#texts.ids(value) : [...this.subscriptionIds, value];
        return end;
      }
      case PROPERTY.payloadFormat:
        return at + 1;
      case PROPERTY.topicAlias:
        return at + 2;
      case PROPERTY.expiry:
        return at + 4;
      case PROPERTY.responseTopic:
      case PROPERTY.correlation:
        return textEnd(bytes, at);
      default:
        throw new RangeError(`malformed packet: a PUBLISH has no property ${bytes[from]}`);
    }
  }
}

function textEnd(bytes: Buffer, at: number): number {
  return at + 2 + bytes.readUInt16BE(at);
}

function wholeNumber(bytes: Buffer, at: number): { readonly value: number; readonly end: number } {
  const number = readNumber(bytes, at);
  if (!number) throw new RangeError('malformed packet: it ends in a number');
  return number;
}
