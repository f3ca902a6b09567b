import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { figuresOf } from './figures.js';
import { Ledger } from './ledger.js';

describe('the ledger of a chaos run', () => {
  let folder: string;
  let ledger: Ledger;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'msgflo-ledger-'));
    ledger = new Ledger(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const send = (text: string): void => appendFileSync(join(folder, 'sent.ledger'), text);
  const arrive = (n: number, atMs: number, pid = 1): void => {
    const hops = [
      ['source.1', 7, atMs - 5],
      ['sink.1', pid, atMs],
    ];
    appendFileSync(join(folder, 'arrived.ledger'), `\n${JSON.stringify({ n, hops })}`);
  };

  it('misses what was confirmed and has not arrived, not what was only begun', () => {
    send('\n+1\n=1\n+2\n=2\n+3');
    arrive(1, 1000);
    ledger.read();
    expect(ledger.missing()).to.deep.equal([2]);
    expect(ledger.begun.size).to.equal(3);
    arrive(2, 2000);
    ledger.read();
    expect(ledger.missing()).to.deep.equal([]);
  });

  it('counts what arrived again, also unconfirmed', () => {
    send('\n+1\n=1\n+2');
    for (const n of [1, 2, 1, 2, 1]) arrive(n, 1000);
    ledger.read();
    expect(ledger.duplicates).to.equal(3);
  });

  it('passes over a line that broke off when its writer was killed', () => {
    send('\n+1\n=1');
    appendFileSync(join(folder, 'arrived.ledger'), '\n{"n":1,"ho');
    ledger.read();
    expect(ledger.missing()).to.deep.equal([1]);
    arrive(1, 1000);
    ledger.read();
    expect(ledger.missing()).to.deep.equal([]);
  });

  it('finds the longest time without an arrival, also before the first and after the last', () => {
    for (const at of [1100, 1200, 1700]) arrive(1, at);
    ledger.read();
    expect(ledger.longestStallMs(1000, 1750)).to.equal(500);
    expect(ledger.longestStallMs(1000, 2900)).to.equal(1200);
    expect(ledger.longestStallMs(0, 1750)).to.equal(1100);
  });

  it('finds the first arrival by a way', () => {
    arrive(1, 1000, 1);
    arrive(2, 2000, 2);
    arrive(3, 3000, 2);
    ledger.read();
    expect(ledger.firstArrivalMs(({ slot, pid }) => slot === 'sink.1' && pid !== 1)).to.equal(2000);
    expect(ledger.firstArrivalMs((hop, isSource) => isSource && hop.atMs > 2000)).to.equal(3000);
    expect(ledger.firstArrivalMs(({ slot }) => slot === 'nobody')).to.equal(undefined);
  });

  it('makes a report that calls each broken promise by name', () => {
    send('\n+1\n=1\n+2\n=2');
    arrive(1, 1000);
    ledger.read();
    const findings = {
      options: { broker: 'amqp', seed: 1, seconds: 1, rate: 1 },
      recoveries: [30, 10, 20, undefined].map((ms) => ({ kind: 'broker' as const, ms })),
      loadMs: [0, 2000],
      remains: { waiting: 3, where: ['two.IN'], deadLetters: 4 },
      memory: { start: { keeper: 60, coordinator: 60 }, end: { keeper: 70, coordinator: 160 } },
      stateBytes: { start: 1000, end: 1_000_000 },
      faulty: ['a zombie'],
      isLossTold: false,
    } as const;
    const { faulty, recoveries } = figuresOf(ledger, findings);
    expect(faulty).to.deep.equal([
      'a zombie',
      '1 of 2 messages were lost',
      '3 messages wait: two.IN',
      '4 dead letters',
      'the coordinator grew by 100 MiB',
      '.msgflo holds 1000000 bytes',
    ]);
    expect(recoveries).to.deep.equal([{ kind: 'broker', times: 4, p50Ms: 20, maxMs: Number.POSITIVE_INFINITY }]);
    expect(figuresOf(ledger, { ...findings, isLossTold: true }).faulty).not.to.include('1 of 2 messages were lost');
  });
});
