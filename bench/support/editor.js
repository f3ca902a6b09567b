import { once } from 'node:events';
import { WebSocket } from 'ws';

/** An editor: asks, and waits for the answer. */
export class Editor {
  /** @param {WebSocket} socket @param {string} graph */
  constructor(socket, graph) {
    this.socket = socket;
    this.graph = graph;
    this.requests = 0;
  }

  /** @param {string} address */
  static async open(address) {
    const socket = new WebSocket(address, 'noflo');
    socket.setMaxListeners(0);
    await once(socket, 'open');
    const editor = new Editor(socket, '');
    const { graph } = await editor.ask('runtime:getruntime', {});
    editor.graph = graph;
    return editor;
  }

  /**
   * The payload of the last answer.
   * @param {string} name @param {object} payload @returns {Promise<any>}
   */
  ask(name, payload) {
    const [protocol, command] = name.split(':');
    this.requests += 1;
    const requestId = String(this.requests);
    const graph = protocol === 'graph' || protocol === 'network' ? { graph: this.graph } : {};
    const answer = new Promise((resolve, reject) => {
      const listener = (/** @type {Buffer} */ data) => {
        if (!data.includes(`"responseTo":"${requestId}"`)) return;
        const told = JSON.parse(data.toString());
        if (command === 'list' && told.command === 'component') return;
        this.socket.off('message', listener);
        if (told.command === 'error') reject(new Error(`${name}: ${told.payload.message}`));
        else resolve(told.payload);
      };
      this.socket.on('message', listener);
    });
    this.socket.send(JSON.stringify({ protocol, command, payload: { ...graph, ...payload }, requestId }));
    return answer;
  }

  close() {
    this.socket.terminate();
  }
}

/** @param {string} from @param {string} to */
export function edge(from, to) {
  return { src: { node: from, port: 'out' }, tgt: { node: to, port: 'in' } };
}
