import { once } from 'node:events';
import { connect } from 'amqplib';
import { expect } from 'chai';
import mqtt from 'mqtt';
import { WebSocket } from 'ws';
import { sharedMosquitto } from '../support/mosquitto.js';
import { sharedRabbit } from '../support/rabbitmq.js';
import { complaints, linesOf, Project, type Running, SPEC_LIMIT_MS, unique } from './run-executable.js';

describe('bad messages to a running network', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  let running: Running;
  let role: string;
  let sink: string;

  beforeEach(async () => {
    project = await Project.make();
  });
  afterEach(() => project.clean());

  const start = async (broker: string): Promise<void> => {
    [role, sink] = [unique('a'), unique('b')];
    await project.write({ 'g.fbp': `'x' -> IN ${role}(Repeat) OUT -> IN ${sink}(Print)\n` });
    running = project.start('msgflo', ['--graph', 'g.fbp', '--port', '0', '--broker', broker]);
    await running.line(new RegExp(`^${sink} \\| x$`));
    await running.line(/^Open in/);
  };
  const stillRuns = async (broker: string): Promise<void> => {
    const args = ['--broker', broker, '--queue', `${role}.IN`, '--json', '"still"'];
    const sent = await project.run('msgflo-send-message', args);
    expect(sent.code, sent.stderr).to.equal(0);
    await running.line(new RegExp(`^${sink} \\| still$`));
  };

  const participant = (payload: object): string =>
    JSON.stringify({ protocol: 'discovery', command: 'participant', payload });
  const announcements = (id: string): readonly (readonly [string, RegExp])[] => [
    [
      `${id} is not JSON`,
      new RegExp(`: a discovery message is not JSON \\(.*\\): "${id} is not JSON"; it is ignored$`),
    ],
    [JSON.stringify([id]), new RegExp(`: a discovery message is no JSON object: .*${id}.*; it is ignored$`)],
    [
      participant({ id: `${id}-1`, role: 'r' }),
      new RegExp(`participant '${id}-1' is wrong: .*'component'; it is ignored$`),
    ],
    [
      participant({ id: `${id}-2`, role: 'r', component: 'C', inports: [{ queue: 'q' }], outports: [] }),
      new RegExp(`participant '${id}-2' is wrong: inports\\.0 .*'id'; it is ignored$`),
    ],
    [
      participant({
        id: `${id}-3`,
        role: 'r',
        component: 'x'.repeat(5e6),
        inports: [],
        outports: [],
      }),
      /: a discovery message of \d{7} bytes was put aside: at most 1048576; it is ignored$/,
    ],
  ];

  /** Other networks of specs hear them too: told apart by the id in them. */
  const expectSaid = async (id: string): Promise<void> => {
    for (const [, words] of announcements(id)) {
      await running.line(words);
      expect(
        linesOf(running.stderr).filter((line) => words.test(line)),
        String(words),
      ).to.have.length(1);
    }
  };

  for (const way of ['the queue of old libraries', 'the exchange of ours']) {
    it(`discovery messages that are wrong are said once each and put aside, on AMQP by ${way}`, async function () {
      this.timeout(90_000);
      const { url } = await sharedRabbit();
      await start(url);
      const connection = await connect(url);
      const channel = await connection.createConfirmChannel();
      const id = unique('bad');
      for (const [text] of [...announcements(id), ...announcements(id)]) {
        if (way.includes('queue')) channel.sendToQueue('fbp', Buffer.from(text));
        else channel.publish('fbp', '', Buffer.from(text));
      }
      await channel.waitForConfirms();
      await connection.close();
      await expectSaid(id);
      await stillRuns(url);
    });
  }

  it('discovery messages that are wrong are said once each and put aside, on MQTT', async () => {
    const { url } = await sharedMosquitto();
    await start(url);
    const client = await mqtt.connectAsync(url);
    const id = unique('bad');
    for (const [text] of [...announcements(id), ...announcements(id)])
      await client.publishAsync('fbp', text, { qos: 1 });
    await client.endAsync();
    await expectSaid(id);
    await stillRuns(url);
  });

  it('a WebSocket frame that is not JSON is answered, and nobody else notices', async () => {
    const { url } = await sharedMosquitto();
    await start(url);
    const address = (await running.line(/^msgflo started on /)).replace('msgflo started on ', '');
    const before = complaints(running.stderr).length;
    const socket = new WebSocket(address, 'noflo');
    await once(socket, 'open');
    for (const frame of ['{not json', 'null', '{"protocol": "runtime"}']) {
      socket.send(frame);
      const [answer] = await once(socket, 'message');
      expect(JSON.parse(String(answer)))
        .to.have.nested.property('payload.message')
        .that.is.a('string');
      expect(JSON.parse(String(answer))).to.include({ command: 'error' });
    }
    socket.send(JSON.stringify({ protocol: 'runtime', command: 'getruntime', payload: {} }));
    const [answer] = await once(socket, 'message');
    expect(JSON.parse(String(answer))).to.include({ protocol: 'runtime', command: 'runtime' });
    socket.close();
    await stillRuns(url);
    expect(complaints(running.stderr).slice(before)).to.deep.equal([]);
  });
});
