import { expect } from 'chai';
import { quantilesOf, type TopReport, type TopRow, viewed } from '../../src/cli/top-report.js';
import { topTable } from '../../src/cli/top-table.js';
import { DURATION_BOUNDS_MS } from '../../src/discovery/index.js';
import { asParticipantId, asPortName, asQueueName, asRole } from '../../src/names.js';

const row = (role: string, more: Partial<TopRow> = {}): TopRow => ({
  ...{ role: asRole(role), port: asPortName('in'), queue: asQueueName(`${role}.IN`), instances: 1 },
  ...more,
});
const report = (rows: readonly TopRow[], more: Partial<TopReport> = {}): TopReport => ({
  ...{ time: '2026-01-01T00:00:00.000Z', rows, lost: [], brokerLosses: { messages: 0 }, notes: [] },
  ...more,
});

describe('the report of msgflo-top', () => {
  const counts = (given: Readonly<Record<number, number>>): number[] =>
    Array.from({ length: DURATION_BOUNDS_MS.length + 1 }, (_, at) => given[at] ?? 0);

  it('tells what half of the messages and 99 of 100 stayed below, within their class', () => {
    const now = { counts: counts({ 3: 100 }), sumMs: 0 };
    expect(quantilesOf(now, undefined)).to.deep.equal({ p50: 7.5, p99: 9.95 });
    const above = { counts: counts({ 0: 90, [DURATION_BOUNDS_MS.length]: 10 }), sumMs: 0 };
    expect(quantilesOf(above, undefined)).to.deep.equal({ p50: 50 / 90, p99: 60_000 });
  });

  it('does so for the latest messages, and for all where there were none lately', () => {
    const before = { counts: counts({ 0: 1000 }), sumMs: 0 };
    const now = { counts: counts({ 0: 1000, 9: 2 }), sumMs: 0 };
    expect(quantilesOf(now, before)?.p50).to.equal(750);
    expect(quantilesOf(before, before)?.p50).to.equal(0.5);
    expect(quantilesOf({ counts: counts({}), sumMs: 0 }, undefined)).to.equal(undefined);
  });

  it('is sorted by a figure or by name, what is not known last', () => {
    const rows = [row('a'), row('c', { ready: 5 }), row('b', { ready: 7, inPerSecond: 1 }), row('d', { ready: 5 })];
    const order = (sort: 'ready' | 'in' | 'role'): string =>
      viewed(report(rows), { sort, roles: [], queues: [] })
        .rows.map(({ role }) => role)
        .join('');
    expect([order('ready'), order('in'), order('role')]).to.deep.equal(['bcda', 'bacd', 'abcd']);
  });

  it('shows only the roles and queues that somebody asked for', () => {
    const lost = ['worker', 'other'].map((role) => ({
      role: asRole(role),
      id: asParticipantId('x'),
      component: 'X',
    }));
    const all = report([row('worker'), row('work.er'), row('other')], { lost });
    const names = (roles: readonly string[], queues: readonly string[]): string[] =>
      viewed(all, { sort: 'role', roles, queues }).rows.map(({ role }) => role);
    expect(names(['work*'], [])).to.deep.equal(['work.er', 'worker']);
    expect(names(['work.er'], [])).to.deep.equal(['work.er']);
    expect(names(['worker', 'other'], ['*.IN'])).to.deep.equal(['other', 'worker']);
    expect(names([], ['w*r.IN', 'x'])).to.deep.equal(['work.er', 'worker']);
    expect(viewed(all, { sort: 'role', roles: ['worker'], queues: [] }).lost).to.have.length(1);
  });
});

describe('the table of msgflo-top', () => {
  const full = row('worker', {
    ...{ ready: 12_000, unacked: 3, consumers: 2, inPerSecond: 1234.5, outPerSecond: 0.25, dead: 4, retried: 5 },
    ...{ deadPerSecond: 0, waitMs: { p50: 0.5, p99: 1500 }, workMs: { p50: 12.3, p99: 80 } },
  });

  it('has a column for each figure, and - where nobody tells', () => {
    const [head, first, second] = topTable(report([full, row('b')])).map((line) => line.trim().split(/ {2,}/));
    expect(head).to.deep.equal(
      'ROLE,PORT,QUEUE,READY,UNACKED,CONSUMERS,IN/S,OUT/S,DEAD,DEAD/S,RETRIED,WAIT p50/p99,WORK p50/p99,INSTANCES'.split(
        ',',
      ),
    );
    expect(first).to.deep.equal('worker,in,worker.IN,12000,3,2,1235,0.3,4,0,5,0.5ms/1.5s,12ms/80ms,1'.split(','));
    expect(second).to.deep.equal('b,in,b.IN,-,-,-,-,-,-,-,-,-,-,1'.split(','));
  });

  it('fits its width: lesser columns go first, and no line is longer', () => {
    for (const width of [200, 120, 80, 60, 40, 20]) {
      const lines = topTable(report([full], { notes: ['x'.repeat(300)] }), width);
      for (const line of lines) expect(line.length).to.be.at.most(width);
      expect(lines[0]).to.match(/^ROLE +PORT /);
      if (width >= 40) expect(lines[0]).to.match(/READY.* OUT\/S/);
    }
    expect(topTable(report([full]), 100)[0]).not.to.include('QUEUE');
  });

  it('shows below who is lost and what the broker dropped, and lets no name move the cursor', () => {
    const lost = [{ role: asRole('a\x1b[2J'), id: asParticipantId('a-1'), component: 'A' }];
    const brokerLosses = { messages: 9, last: 'the broker dropped 9 messages' };
    const lines = topTable(report([row('b\r\n')], { lost, brokerLosses, notes: ['a note'] }));
    expect(lines.slice(2)).to.deep.equal([
      ...['', 'LOST', 'a?[2J (A), the last was a-1', ''],
      ...['THE BROKER DROPPED 9 MESSAGES', 'the broker dropped 9 messages', '', 'a note'],
    ]);
    expect(lines[1]).to.match(/^b\?\? /);
  });

  it('marks a queue that is damaged, and says where to its end', () => {
    const damage = `/${'x'.repeat(60)}/0.seg is damaged at byte 4711: the checksum of the frame is wrong`;
    const lines = topTable(report([row('a', { ready: 3, damage }), row('b')]), 50);
    expect(lines[1]).to.include(' 3! ');
    expect(lines.slice(3, 5)).to.deep.equal(['', 'DAMAGED (msgflo-log compact --salvage mends it)']);
    expect(lines.slice(5).join('')).to.equal(`a.IN: ${damage}`);
  });

  it('says so where there is nothing to show', () => {
    expect(topTable(report([]))).to.deep.equal([
      'no inport to show: nobody has announced one, or none of those asked for',
    ]);
  });
});
