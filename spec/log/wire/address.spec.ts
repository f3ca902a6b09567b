import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  addressOf,
  checkTlsAddress,
  formatAddress,
  namespaceFolder,
  readAddress,
  readTlsFiles,
} from '../../../src/log/wire/index.js';

describe('addresses of a node', () => {
  it('are a socket in a folder of the user for a namespace', () => {
    expect(addressOf({})).to.deep.equal({ kind: 'ipc', path: join(namespaceFolder(), 'msgflo-log.default') });
    expect(namespaceFolder().startsWith(tmpdir())).to.equal(true);
    expect(addressOf({ namespace: 'mine' })).to.deep.equal({
      kind: 'ipc',
      path: join(namespaceFolder(), 'msgflo-log.mine'),
    });
  });

  it('are taken from the socket before tcp, and from tcp before the namespace', () => {
    const tcp = { host: '10.0.0.1', port: 99 };
    expect(addressOf({ namespace: 'x', tcp })).to.deep.equal({ kind: 'tcp', ...tcp });
    expect(addressOf({ namespace: 'x', tcp, socket: 'ipc:///run/y' })).to.deep.equal({ kind: 'ipc', path: '/run/y' });
  });

  for (const [text, address] of [
    ['ipc:///run/log', { kind: 'ipc', path: '/run/log' }],
    ['tcp://example.org:9999', { kind: 'tcp', host: 'example.org', port: 9999 }],
    ['tcp://[::1]:9999', { kind: 'tcp', host: '::1', port: 9999 }],
  ] as const)
    it(`are read and written as ${text}`, () => {
      expect(readAddress(text)).to.deep.equal(address);
      expect(formatAddress(readAddress(text))).to.equal(text);
    });

  it('are on the loopback interface where no host is said', () => {
    expect(readAddress('tcp://:9999')).to.deep.equal({ kind: 'tcp', host: '127.0.0.1', port: 9999 });
  });

  for (const text of ['http://x', 'ipc://', `ipc:///${'x'.repeat(100)}`, 'tcp://h', 'tcp://h:65536', 'tcp://a b:1', ''])
    it(`are not '${text.slice(0, 20)}'`, () => {
      expect(() => readAddress(text)).to.throw(`Invalid connection address: ${text}`);
    });

  for (const namespace of ['../up', 'a/b', 'a\0b'])
    it(`are not made of the namespace ${JSON.stringify(namespace)}`, () => {
      expect(() => addressOf({ namespace })).to.throw('Invalid connection address');
    });

  it('need host and port for tcp', () => {
    expect(() => addressOf({ tcp: { host: '', port: 1 } })).to.throw('tcp connection needs a host and a port');
    expect(() => addressOf({ tcp: { host: 'h', port: 0 } })).to.throw('tcp connection needs a host and a port');
  });

  it('carry TLS over tcp only', () => {
    expect(() => checkTlsAddress(readAddress('ipc:///run/log'))).to.throw('Invalid connection address: ipc:///run/log');
    expect(() => checkTlsAddress(readAddress('tcp://h:1'))).not.to.throw();
  });

  it('name a TLS file that is missing', () => {
    const files = { key: '/no/such/key.pem', cert: '/no/such/cert.pem', ca: '' };
    expect(() => readTlsFiles(files, 'server')).to.throw('server key: cannot read /no/such/key.pem');
  });
});
