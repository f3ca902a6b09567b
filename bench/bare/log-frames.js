/** Frames of JSON behind 4 bytes of length, without limits and checks. */

/** @param {import('node:net').Socket} socket @param {(message: any) => void} onMessage */
export function frames(socket, onMessage) {
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    while (rest.length - at >= 4) {
      const end = at + 4 + rest.readUInt32BE(at);
      if (end > rest.length) break;
      onMessage(JSON.parse(rest.toString('utf8', at + 4, end)));
      at = end;
    }
    rest = rest.subarray(at);
  });
}

/** What is sent in one turn leaves in one write. @param {import('node:net').Socket} socket @returns {(text: string) => void} */
export function writer(socket) {
  /** @type {Buffer[]} */
  let parts = [];
  return (text) => {
    const frame = Buffer.allocUnsafe(4 + Buffer.byteLength(text));
    frame.writeUInt32BE(frame.length - 4);
    frame.write(text, 4);
    if (parts.push(frame) > 1) return;
    setImmediate(() => {
      socket.write(Buffer.concat(parts));
      parts = [];
    });
  };
}
