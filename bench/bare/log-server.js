/**
 * The least that a durable log behind a socket can be, in the same discipline: frames of JSON, appended to one file, synced
 * in groups, answered after that, all that came in one turn in one write. No topics, no reads from disk, no checks.
 *
 * Arguments: socket path, file, records that a read brings. `commit` appends, `read` brings a list, `watch` is told of commits.
 */
import { fdatasync, openSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { frames, writer } from './log-frames.js';

const [, , path = '', file = '', count = '0'] = process.argv;
const fd = openSync(file, 'w');
const body = { n: 1, text: 'x'.repeat(180) };
const records = JSON.stringify(Array.from({ length: Number(count) }, (_, n) => ({ id: `1700000000000-${n}`, body })));
/** @type {Set<(message: string) => void>} */
const watchers = new Set();
let last = 0;
/** @type {(() => void)[]} */
let group = [];
/** @type {Buffer[]} */
let bytes = [];
let isSyncing = false;

function sync() {
  if (isSyncing || group.length === 0) return;
  isSyncing = true;
  const done = group;
  writeSync(fd, Buffer.concat(bytes));
  group = [];
  bytes = [];
  fdatasync(fd, () => {
    isSyncing = false;
    for (const answer of done) answer();
    sync();
  });
}

createServer((socket) => {
  const send = writer(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => watchers.delete(send));
  frames(socket, (message) => {
    const { type, msgKey, data } = message;
    if (type === 'commit') {
      const ids = data.records.map(() => `1700000000000-${last++}`);
      for (const record of data.records) bytes.push(Buffer.from(JSON.stringify(record.body)));
      group.push(() => {
        send(JSON.stringify({ type: 'commit_completed', msgKey, data: ids }));
        for (const watcher of watchers) watcher(JSON.stringify({ msgKey: 'watch', data: { id: ids[0], body } }));
      });
      setImmediate(sync);
    } else if (type === 'read') send(`{"msgKey":"${msgKey}","data":${records}}`);
    else {
      if (type === 'watch') watchers.add(send);
      send(`{"msgKey":"${msgKey}"}`);
    }
  });
}).listen(path, () => process.send?.('listening'));
process.on('disconnect', () => process.kill(process.pid));
