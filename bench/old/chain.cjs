// @ts-nocheck: run by node as it is
/**
 * The chain on msgflo-nodejs 0.11: `node bench/old/chain.cjs <url> source|first|second|sink|forwarder`. It neither
 * confirms nor persists; so that no broker drops what is too much for it, the sink tells the source after each hundred
 * messages. The forwarder is what its coordinator has at work: it binds on AMQP, and passes on each message itself on MQTT.
 */
const { participant, transport } = require('msgflo-nodejs');

const CREDIT = 100;
const EDGES = [
  ['source.OUT', 'first.IN'],
  ['first.OUT', 'second.IN'],
  ['second.OUT', 'sink.IN'],
  ['sink.CREDIT', 'source.CREDIT'],
];

const [url, role] = process.argv.slice(2);
const parts = { source, first: repeat, second: repeat, sink, forwarder };
parts[role]();

function ready(error) {
  if (error) throw error;
  console.log('ready');
}

/** Old participants ack a message when something was sent: 'done' goes nowhere. */
function run(inport, outport, work) {
  const inports = [{ id: inport, type: 'any' }];
  const outports = [
    { id: outport, type: 'any' },
    { id: 'done', hidden: true },
  ];
  const part = new participant.Participant(url, { component: 'Old', inports, outports }, work, role);
  part.start(ready);
  return part;
}

function repeat() {
  run('in', 'out', (_inport, data, callback) => callback('out', null, data));
}

async function sink() {
  const { planFromEnv } = await import('../support/plan.js');
  const { Tally } = await import('../support/tally.js');
  const tally = new Tally(planFromEnv());
  let taken = 0;
  run('in', 'credit', (_inport, data, callback) => {
    tally.take(data);
    taken += 1;
    return callback(taken % CREDIT === 0 ? 'credit' : 'done', null, taken);
  });
}

/** Begins with the first credit, which the forwarder gives. */
async function source() {
  const { planFromEnv } = await import('../support/plan.js');
  const { feed } = await import('../support/feed.js');
  let sent;
  const start = () => {
    sent = [];
    void feed(planFromEnv(), (message, confirmed) => {
      sent.push(confirmed);
      part.send('message', message);
    });
  };
  const part = run('credit', 'out', (inport, data, callback) => {
    if (inport === 'message') return callback('out', null, data);
    if (sent) for (const confirmed of sent.splice(0, CREDIT)) confirmed();
    else start();
    return callback('done', null, true);
  });
}

function forwarder() {
  const broker = transport.getBroker(url);
  const bind = ([edge, ...others]) => {
    if (!edge) return broker.sendTo('inqueue', 'source.CREDIT', 0, ready);
    const [src, tgt] = edge;
    return broker.addBinding({ type: 'pubsub', src, tgt }, (error) => (error ? ready(error) : bind(others)));
  };
  broker.connect((error) => (error ? ready(error) : bind(EDGES)));
}
