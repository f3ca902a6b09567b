import { expect } from 'chai';
import { type Definition, ParticipantTable } from '../../src/discovery/index.js';
import { asParticipantId, asPortName, asQueueName, asRole } from '../../src/names.js';

const TTL_MS = 1000;

const one = (id: string, role = 'worker', change: Partial<Definition> = {}): Definition => {
  return { id: asParticipantId(id), role: asRole(role), component: 'Any', inports: [], outports: [], ...change };
};

describe('ParticipantTable', () => {
  let nowMs: number;
  let table: ParticipantTable;
  const statuses = (role: string): string[] =>
    table.ofRole(asRole(role)).map(({ definition, status }) => `${definition.id} ${status}`);

  beforeEach(() => {
    nowMs = 0;
    table = new ParticipantTable(TTL_MS, () => nowMs, 5);
  });

  it('says what an announcement changed', () => {
    expect(table.announce(one('a'))).to.equal('added');
    expect(table.announce(one('a'))).to.equal('repeated');
    const inports = [{ id: asPortName('in'), queue: asQueueName('q') }];
    expect(table.announce(one('a', 'worker', { inports }))).to.equal('changed');
    expect(table.get(asParticipantId('a'))?.definition.inports).to.deep.equal(inports);
  });

  it('keeps several ids of a role, the latest heard last', () => {
    table.announce(one('a'));
    nowMs = 1;
    table.announce(one('b'));
    nowMs = 2;
    table.announce(one('a'));
    expect(statuses('worker')).to.deep.equal(['b live', 'a live']);
  });

  it('marks the silent last one of a role as lost, keeps it, and has it back when heard again', () => {
    table.announce(one('a'));
    nowMs = TTL_MS + 1;
    expect(table.sweep()).to.have.length(1);
    expect(table.sweep(), 'a second time').to.have.length(0);
    expect(statuses('worker')).to.deep.equal(['a lost']);
    expect(table.announce(one('a'))).to.equal('returned');
    expect(statuses('worker')).to.deep.equal(['a live']);
  });

  it('does not mark one that was heard within the limit', () => {
    table.announce(one('a'));
    nowMs = TTL_MS;
    expect(table.sweep()).to.have.length(0);
  });

  it('forgets one that is gone while others of its role are there', () => {
    table.announce(one('a'));
    table.announce(one('b'));
    table.gone(asParticipantId('a'));
    expect(statuses('worker')).to.deep.equal(['b live']);
  });

  it('puts the next of a role in the place of a lost one', () => {
    table.announce(one('a'));
    table.gone(asParticipantId('a'));
    table.announce(one('b'));
    expect(statuses('worker')).to.deep.equal(['b live']);
  });

  it('moves an id that changed its role', () => {
    table.announce(one('a'));
    table.announce(one('a', 'other'));
    expect(table.roles()).to.deep.equal(['other']);
  });

  it('remembers those of an earlier run until they are heard or lapse', () => {
    table.remember([one('a'), one('b', 'other')]);
    table.announce(one('a'));
    expect(statuses('worker')).to.deep.equal(['a live']);
    expect(statuses('other')).to.deep.equal(['b remembered']);
    nowMs = TTL_MS + 1;
    table.sweep();
    expect(statuses('other')).to.deep.equal(['b lost']);
  });

  it('takes the latest of those that announced themselves while nobody listened for alive, until another is heard', () => {
    table.announce(one('a'), { isKept: true });
    table.announce(one('b'), { isKept: true });
    expect(statuses('worker')).to.deep.equal(['a remembered', 'b live']);
    table.announce(one('c'));
    expect(statuses('worker')).to.deep.equal(['a remembered', 'b remembered', 'c live']);
    expect(table.announce(one('b'))).to.equal('returned');
    table.announce(one('d'), { isKept: true });
    expect(statuses('worker').sort()).to.deep.equal(['a remembered', 'b live', 'c live', 'd remembered']);
  });

  it('is bounded', () => {
    const effects = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => table.announce(one(id, id)));
    expect(effects.at(-1)).to.equal('refused');
    expect(table.all()).to.have.length(5);
  });

  it('refuses a limit that is none', () => {
    expect(() => new ParticipantTable(0)).to.throw(RangeError, 'got 0');
  });
});
