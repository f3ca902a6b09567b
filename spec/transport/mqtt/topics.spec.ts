import { expect } from 'chai';
import fc from 'fast-check';
import { asQueueName } from '../../../src/names.js';
import { groupOf, matches, nameOf, topicOf } from '../../../src/transport/mqtt/topics.js';

describe('mqtt topics', () => {
  it('gives back every name, and no topic holds + # or NUL', () => {
    const names = fc.string({ unit: fc.constantFrom('+', '#', '\0', '%', '2', 'B', '3', '0', '5', '/', 'å') });
    fc.assert(
      fc.property(names, (name) => {
        expect(topicOf(name)).to.not.match(/[+#\0]/u);
        expect(nameOf(topicOf(name))).to.equal(name);
      }),
    );
  });

  it('leaves the topics of old programs as they are', () => {
    for (const name of ['role.IN', 'device/1/temp', 'å %41 100%', '$SYS/x']) expect(topicOf(name)).to.equal(name);
  });

  it('makes groups without / + #', () => {
    expect(groupOf(asQueueName('a/b+c#'))).to.not.match(/[/+#]/);
  });

  it('matches filters as the standard says', () => {
    expect(matches('a/+', 'a/b')).to.equal(true);
    expect(matches('a/+', 'a/b/c')).to.equal(false);
    expect(matches('a/#', 'a/b/c')).to.equal(true);
    expect(matches('a/#', 'a')).to.equal(true);
    expect(matches('a', 'b')).to.equal(false);
  });
});
