import { expect } from 'chai';
import fc from 'fast-check';
import { Stamps } from '../../../src/transport/index.js';
import { checkHeaderText, HeaderReader, HeaderWriter } from '../../../src/transport/log/header-text.js';

const WRONG = [
  'x',
  '[]',
  '"a"',
  'null',
  '{',
  '}',
  '{"a":1}',
  '{"a":"b"',
  '{"a":"b",}',
  '{"a" "b"}',
  '{"a":"b"}}',
  '{"a":"\n"}',
];
const texts = fc.dictionary(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'binary' }), { maxKeys: 5 });

/** As a node or a client reads it, from the middle of other bytes. */
function read(reader: HeaderReader, text: string) {
  const bytes = Buffer.from(`#${text}#`);
  return reader.read(bytes, 1, bytes.length - 1);
}

describe('headers as text', () => {
  it('are read as JSON reads them, whoever wrote them, in whatever form', () => {
    const reader = new HeaderReader();
    fc.assert(
      fc.property(texts, fc.constantFrom(0, 1), (headers, space) => {
        const text = JSON.stringify(headers, undefined, space);
        expect(read(reader, text)).to.deep.equal(JSON.parse(text));
        checkHeaderText(Buffer.from(text));
      }),
    );
    const prototype = '{"__proto__":"x","a":"b"}';
    expect(Object.entries(read(reader, prototype))).to.deep.equal(Object.entries(JSON.parse(prototype)));
    expect(read(reader, '{"a":"1","a":"2"}'), 'the last of two').to.deep.equal({ a: '2' });
    expect(read(reader, '')).to.deep.equal({});
  });

  it('are refused where they are no object of texts', () => {
    for (const text of WRONG) {
      expect(() => read(new HeaderReader(), text), text)
        .to.throw()
        .with.property('code', 'MSGFLO_LOG_WIRE');
      expect(() => checkHeaderText(Buffer.from(text)), text)
        .to.throw()
        .with.property('code', 'MSGFLO_LOG_WIRE');
    }
  });

  it('are written as JSON, with an id that tells the time, which is read as a header', () => {
    const writer = new HeaderWriter(new Stamps());
    const reader = new HeaderReader();
    fc.assert(
      fc.property(texts, (headers) => {
        const before = Date.now();
        const { 'message-id': id, 'created-at': at, ...others } = read(reader, writer.text(headers));
        expect(others).to.deep.equal(JSON.parse(JSON.stringify(headers)));
        expect(id).to.match(/^~/);
        expect(Number(at)).to.be.within(before, Date.now());
      }),
    );
    expect(JSON.parse(writer.text({ 'message-id': 'mine', a: 'b' }))).to.include({ 'message-id': 'mine', a: 'b' });
    expect(Object.keys(JSON.parse(writer.text(undefined)))).to.deep.equal(['message-id']);
  });
});
