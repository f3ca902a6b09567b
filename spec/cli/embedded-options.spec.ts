import { expect } from 'chai';
import { Command } from 'commander';
import {
  type EmbeddedFlags,
  embeddedOptions,
  embeddedSettings,
  givenEmbedded,
  isForOthers,
} from '../../src/cli/embedded-options.js';
import { UsageError } from '../../src/errors.js';

describe('flags of the embedded broker', () => {
  function settings(...args: string[]) {
    const parser = new Command().exitOverride();
    for (const option of embeddedOptions()) parser.addOption(option);
    return embeddedSettings('/p/.msgflo', parser.parse(args, { from: 'user' }).opts<EmbeddedFlags>());
  }

  it('make everything durable without any of them, keep an hour and a GiB, and open no door to other machines', () => {
    expect(settings()).to.deep.equal(embeddedSettings('/p/.msgflo'));
    expect(settings()).to.deep.equal({
      dir: '/p/.msgflo',
      location: '/p/.msgflo/log',
      sync: 'always',
      gc: { minPruneTimeMs: 3_600_000, intervalMs: 30_000, maxBytes: 2 ** 30 },
      listen: [],
      mqtt: { host: '127.0.0.1', port: 0 },
    });
  });

  it('say when it is synced, and how much is kept', () => {
    expect(settings('--log-sync', 'interval:50ms').sync).to.deep.equal({ intervalMs: 50 });
    expect(settings('--log-sync', 'never').sync).to.equal('never');
    expect(settings('--log-keep', '7d', '--log-keep-bytes', '1.5MiB').gc).to.deep.equal({
      minPruneTimeMs: 7 * 86_400_000,
      intervalMs: 30_000,
      maxBytes: 1.5 * 2 ** 20,
    });
    expect(settings('--log-keep', '400d').gc).to.include({ minPruneTimeMs: 400 * 86_400_000, intervalMs: 30_000 });
    expect(() => settings('--log-keep', '40000d')).to.throw(UsageError, '--log-keep is at most 36500 days');
    expect(settings('--log-keep', '0s').gc).to.include({ minPruneTimeMs: 0, intervalMs: 1000 });
    expect(settings('--log-memory')).to.not.have.property('location');
  });

  it('name places for other machines and for devices', () => {
    const tls = 'logs://0.0.0.0:7000?key=k.pem&cert=c.pem&ca=a.pem';
    expect(settings('--log-listen', tls, '--log-listen', 'log://[::]:7001?token=t%26').listen).to.deep.equal([
      { address: 'tcp://0.0.0.0:7000', tls: { key: 'k.pem', cert: 'c.pem', ca: 'a.pem' } },
      { address: 'tcp://[::]:7001', token: 't&' },
    ]);
    expect(settings('--mqtt-listen', '0.0.0.0:1883').mqtt).to.deep.equal({ host: '0.0.0.0', port: 1883 });
  });

  it('are told from those that nobody has given', () => {
    const parser = new Command().exitOverride();
    for (const option of embeddedOptions()) parser.addOption(option);
    expect(givenEmbedded(parser.parse([], { from: 'user' }))).to.deep.equal([]);
    const args = ['--mqtt-listen', '127.0.0.1:0', '--log-sync', 'always', '--log-memory'];
    const given = givenEmbedded(parser.parse(args, { from: 'user' }));
    expect(given).to.have.members(['--mqtt-listen', '--log-sync', '--log-memory']);
  });

  it('are for other machines where one of them can come in', () => {
    for (const args of [[], ['--log-listen', 'log://127.0.0.1:7001'], ['--mqtt-listen', 'localhost:1883']])
      expect(isForOthers(settings(...args)), args.join(' ')).to.equal(false);
    for (const args of [
      ['--log-listen', 'log://127.0.0.1:7001', '--log-listen', 'log://[::]:7001?token=t'],
      ['--mqtt-listen', '0.0.0.0:1883'],
    ])
      expect(isForOthers(settings(...args)), args.join(' ')).to.equal(true);
  });

  for (const args of [
    ['--log-sync', 'sometimes'],
    ['--log-sync', 'interval:0s'],
    ['--log-keep', 'long'],
    ['--log-keep-bytes', '0'],
    ['--log-keep-bytes', '7 parsecs'],
    ['--log-listen', 'log://0.0.0.0:7000'],
    ['--log-listen', 'log:///folder'],
    ['--log-listen', 'logs://0.0.0.0:7000?key=k.pem'],
    ['--mqtt-listen', '1883'],
    ['--mqtt-listen', 'x:99999'],
  ])
    it(`are refused as ${args.join(' ')}: MSGFLO_USAGE`, () => {
      let code: unknown;
      try {
        settings(...args);
      } catch (error) {
        code = error instanceof Error && 'code' in error ? error.code : error;
      }
      expect(code).to.equal('MSGFLO_USAGE');
    });
});
