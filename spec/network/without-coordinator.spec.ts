import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { project, ROOT } from './running.js';

const brokers = {
  RabbitMQ: async () => (await sharedRabbit()).url,
  Mosquitto: async () => (await sharedMosquitto()).url,
};

const PARTICIPANT = /^(\S+): msgflo-participant (.*)$/;

for (const [name, start] of Object.entries(brokers)) {
  describe(`a Procfile on ${name}, after msgflo-setup, with no coordinator`, function () {
    this.timeout(60_000);
    const children: ChildProcess[] = [];
    let folder = '';

    afterEach(async () => {
      for (const child of children.splice(0)) {
        if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    });

    /** Runs one of our executables in the project; resolves with its stdout. @throws when it fails */
    async function run(executable: string, args: readonly string[]): Promise<string> {
      const child = spawn(process.execPath, [join(ROOT, `bin/${executable}.js`), ...args], { cwd: folder });
      children.push(child);
      let output = '';
      let errors = '';
      child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
      child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
      const [code] = await once(child, 'close');
      expect(code, errors).to.equal(0);
      return output;
    }

    /** Waits for a condition, for as long as the test goes on. */
    async function until(condition: () => boolean): Promise<void> {
      while (!condition()) {
        if (children.length === 0) throw new Error('the test is over');
        await new Promise((after) => setTimeout(after, 20));
      }
    }

    it('IIPs arrive and messages flow', async () => {
      const broker = await start();
      const prefix = `proc${name}`;
      folder = await project(
        `'first' -> IN ${prefix}a(Repeat) OUT -> IN ${prefix}b(Repeat) OUT -> IN ${prefix}c(Print)`,
      );
      const bindings = await run('msgflo-setup', ['main.fbp', '--participants', '--broker', broker]);
      expect(bindings).to.include(`PUBSUB: ${prefix}a.OUT -> ${prefix}b.IN`);
      const lines = (await run('msgflo-procfile', ['main.fbp'])).trim().split('\n');
      expect(lines).to.have.length(3);
      let printed = '';
      for (const line of lines) {
        const args = (PARTICIPANT.exec(line)?.[2] ?? '').split(' ');
        const env = { ...process.env, MSGFLO_BROKER: broker };
        const child = spawn(process.execPath, [join(ROOT, 'bin/msgflo-participant.js'), ...args], { cwd: folder, env });
        child.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
        child.stderr.resume();
        children.push(child);
      }
      await until(() => printed.includes('first\n'));
      await run('msgflo-send-message', ['--broker', broker, '--queue', `${prefix}a.IN`, '--json', '"second"']);
      await until(() => printed.includes('second\n'));
    });
  });
}
