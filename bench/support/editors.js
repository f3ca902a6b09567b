import { WebSocket } from 'ws';

/**
 * The clients of `fan-out.js`, in a process of their own so that their work is not counted as the server's. Started with
 * the address and what to do; tells by IPC how far it is.
 */
const [, , url = '', what = '', ...rest] = process.argv;
if (what === 'listen') await listen(Number(rest[0]), rest[1] === 'introduced');
else await load();

/** Clients that count what comes. @param {number} count @param {boolean} areIntroduced and look at all edges */
async function listen(count, areIntroduced) {
  const received = Array.from({ length: count }, () => 0);
  let told = 0;
  const tell = () => {
    const least = Math.min(...received);
    if (least >= told + 100) {
      told = least - (least % 100);
      process.send?.({ received: told });
    }
  };
  await Promise.all(received.map((_, n) => listener(n)));
  process.send?.({ received: 0 });

  /** @param {number} n */
  async function listener(n) {
    const socket = await open();
    if (areIntroduced) {
      await ask(socket, 'runtime', 'getruntime', {}, 'runtime');
      await ask(socket, 'network', 'start', { graph: 'demo/main' }, 'started');
    }
    socket.on('message', (/** @type {Buffer} */ frame) => {
      if (!frame.includes('"command":"data"')) return;
      received[n] = (received[n] ?? 0) + 1;
      tell();
    });
  }
}

/** One editor that opens the network: what it asks, in its order, each answer waited for. */
async function load() {
  const socket = await open();
  await ask(socket, 'runtime', 'getruntime', {}, 'runtime');
  const components = await list(socket);
  await ask(socket, 'component', 'getsource', { name: 'demo/main' }, 'source');
  await ask(socket, 'network', 'getstatus', { graph: 'demo/main' }, 'status');
  for (const name of components) await ask(socket, 'component', 'getsource', { name }, 'source');
  process.send?.({ received: components.length });
  socket.close();
  process.disconnect();
}

/** @returns {Promise<WebSocket>} */
function open() {
  const socket = new WebSocket(url, 'noflo');
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(socket));
    socket.on('error', reject);
  });
}

/**
 * Sends a request and waits for the answer of that command.
 * @param {WebSocket} socket @param {string} protocol @param {string} command @param {object} payload @param {string} answer
 */
function ask(socket, protocol, command, payload, answer) {
  const done = answered(socket, (message) => message.protocol === protocol && message.command === answer);
  socket.send(JSON.stringify({ protocol, command, payload }));
  return done;
}

/** @param {WebSocket} socket @returns {Promise<readonly string[]>} the names of all components */
async function list(socket) {
  /** @type {string[]} */
  const names = [];
  const done = answered(socket, ({ command, payload }) => {
    if (command === 'component') names.push(payload.name);
    return command === 'componentsready';
  });
  socket.send(JSON.stringify({ protocol: 'component', command: 'list', payload: {} }));
  await done;
  return names;
}

/**
 * @param {WebSocket} socket
 * @param {(message: { protocol: string, command: string, payload: { name: string } }) => boolean} isLast
 * @returns {Promise<void>}
 */
function answered(socket, isLast) {
  return new Promise((resolve, reject) => {
    const listener = (/** @type {Buffer} */ frame) => {
      const message = JSON.parse(frame.toString());
      if (message.command === 'error') reject(new Error(`${message.protocol}: ${message.payload.message}`));
      else if (!isLast(message)) return;
      socket.off('message', listener);
      resolve();
    };
    socket.on('message', listener);
  });
}
