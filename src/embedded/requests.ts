import type {
  EngineBinding,
  EngineOutput,
  EngineQueueKind,
  EngineQueueOptions,
  EngineSettlement,
} from '../engine/index.js';
import { asQueueName, type QueueName } from '../names.js';
import { type Fields, WireError } from '../transport/log/index.js';

const QUEUE_KINDS = ['inqueue', 'outqueue'] as const;
const BINDING_KINDS = ['pubsub', 'roundrobin'] as const;
const VERDICTS = ['ack', 'requeue', 'dead-letter'] as const;

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

export function readSend(fields: Fields, body: Buffer): EngineOutput {
  return {
    kind: fields.oneOf('kind', QUEUE_KINDS),
    name: asQueueName(fields.text('name')),
    headers: fields.texts('headers'),
    mandatory: fields.flag('mandatory'),
    body: owned(body),
  };
}

/** The body is that of each output in turn, then that of the dead letter. */
export function readSettlement(fields: Fields, body: Buffer): EngineSettlement {
  let at = 0;
  const next = (bytes: number): Buffer => {
    if (at + bytes > body.length) throw new WireError('the outputs are longer than the frame');
    at += bytes;
    return owned(body.subarray(at - bytes, at));
  };
  const outputs = fields.list('outputs').map(
    (output): EngineOutput => ({
      kind: 'outqueue',
      name: asQueueName(output.text('name')),
      headers: output.texts('headers'),
      mandatory: output.flag('mandatory'),
      body: next(output.count('bytes')),
    }),
  );
  const verdict = fields.oneOf('verdict', VERDICTS);
  if (verdict !== 'dead-letter') return { outputs, verdict, hold: fields.flag('hold') };
  const deadLetter = { headers: fields.texts('dead'), body: next(body.length - at) };
  return { outputs, verdict: { deadLetter }, hold: fields.flag('hold') };
}

/** A copy, so that what is kept does not keep the whole chunk that it came in. */
export function owned(bytes: Buffer): Buffer {
  return Buffer.from(bytes);
}
