import type {
  EngineBinding,
  EngineOutput,
  EngineQueueKind,
  EngineQueueOptions,
  EngineSettlement,
} from '../engine/index.js';
import { MAX_FRAME_BYTES, WireError } from '../log/wire/index.js';
import { asQueueName, type QueueName } from '../names.js';
import {
  type ByteReader,
  checkHeaderText,
  type Fields,
  type ReadOutput,
  readSend,
  type WireSettlement,
} from '../transport/log/index.js';

/** What is sent may become a dead letter, with more headers. Clients of ours look at it themselves. */
const MAX_MESSAGE_BYTES = MAX_FRAME_BYTES - 2 * 1024 * 1024;
const QUEUE_KINDS = ['inqueue', 'outqueue'] as const;
const BINDING_KINDS = ['pubsub', 'roundrobin'] as const;

export function readBinding(fields: Fields): EngineBinding {
  return {
    kind: fields.oneOf('kind', BINDING_KINDS),
    source: asQueueName(fields.text('source')),
    target: asQueueName(fields.text('target')),
  };
}

export interface Declaration {
  readonly kind: EngineQueueKind;
  readonly name: QueueName;
  readonly options: EngineQueueOptions;
}

export function readDeclaration(fields: Fields): Declaration {
  const options: { -readonly [option in keyof EngineQueueOptions]: EngineQueueOptions[option] } = {
    persistent: fields.flag('persistent'),
  };
  for (const option of ['ttlMs', 'maxLength', 'maxBytes'] as const) {
    if (!fields.has(option)) continue;
    options[option] = fields.count(option);
    if (options[option] === 0) throw new WireError(`'${option}' should be above zero`);
  }
  return { kind: fields.oneOf('kind', QUEUE_KINDS), name: asQueueName(fields.text('name')), options };
}

export function sendOf(reader: ByteReader): EngineOutput {
  const { kind, name, mandatory, headers, body } = readSend(reader);
  return { kind, name: asQueueName(name), mandatory, headers: checked(headers), body };
}

/** @param mayHold whether outputs that nobody takes may be waited with */
export function settlementOf(read: WireSettlement<ReadOutput>, mayHold: boolean): EngineSettlement {
  const outputs = read.outputs.map(
    ({ name, mandatory, headers, body }): EngineOutput => ({
      kind: 'outqueue',
      name: asQueueName(name),
      mandatory,
      headers: checked(headers),
      body,
    }),
  );
  const hold = read.hold && mayHold;
  const { verdict, dead } = read;
  if (verdict !== 'dead-letter') return { outputs, verdict, hold };
  if (!dead) throw new WireError('a dead letter without its message');
  return {
    outputs,
    verdict: { deadLetter: { headers: checked(dead.headers), body: dead.body } },
    hold,
  };
}

/** Why a message is not taken for its size; undefined where it is. */
export function sizeRefusal({ headers, body }: EngineOutput): string | undefined {
  const isTooLarge = headers.length + body.length > MAX_MESSAGE_BYTES;
  return isTooLarge ? `a message may have ${MAX_MESSAGE_BYTES} bytes at most, with its headers` : undefined;
}

/** Whoever takes the message relies on them. @throws {WireError} for what are no headers */
function checked(headers: Buffer): Buffer {
  checkHeaderText(headers);
  return headers;
}

/** A copy, so that what is kept does not keep the whole chunk that it came in. */
export function owned(bytes: Buffer): Buffer {
  return Buffer.from(bytes);
}
