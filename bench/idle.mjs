// Idle clients: what ten thousand kept connections that asked once and stay silent cost a server in memory.
//
//   node idle.mjs [--connections N] [--servers nginx,onezero] [--write]
//
// Needs Linux and a limit of descriptors above the number of connections. Resident memory of the server's processes before
// and after; buffers of the system for the sockets are not in it.

import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { installed, peers, start } from './peers/index.mjs';
import { processTree } from './process-tree.mjs';
import { table } from './report.mjs';

const { values: flags } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    servers: { type: 'string', default: 'nginx,onezero,sirv' },
    write: { type: 'boolean', default: false },
  },
});
const count = Number(flags.connections);
/** Connections opened at a time: fewer than any server's queue of newcomers. */
const BATCH = 200;
const scratch = mkdtempSync(join(tmpdir(), 'onezero-bench-'));
chmodSync(scratch, 0o755);
try {
  const root = join(scratch, 'site');
  mkdirSync(root);
  writeFileSync(join(root, '1k.bin'), Buffer.alloc(1024, 'onezero\n'));
  const names = flags.servers.split(',');
  const { present } = installed(
    peers.filter(({ name }) => !name.includes('open_file_cache') && names.some((wanted) => name.includes(wanted))),
  );
  const rows = [];
  for (const peer of present) rows.push(await measureIdle(peer, root));
  const markdown = [
    `# ${count} idle connections`,
    '',
    `Each asked for 1 KiB once. Measured ${new Date().toISOString().slice(0, 10)}, Node ${process.version}. Repeat with \`node bench/idle.mjs --write\`.`,
    '',
    table(['server', 'memory before, MiB', 'with them, MiB', 'KiB for each', 'kept open'], rows),
    '',
  ].join('\n');
  console.log(markdown);
  if (flags.write) {
    mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
    writeFileSync(join(import.meta.dirname, 'results/idle.md'), markdown);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function measureIdle(peer, root) {
  const server = await start(peer, root, scratch);
  const sockets = [];
  try {
    const before = residentMebibytes(server.pid);
    while (sockets.length < count) {
      const batch = Array.from({ length: Math.min(BATCH, count - sockets.length) }, () => askOnce(server.port));
      sockets.push(...(await Promise.all(batch)));
    }
    const after = residentMebibytes(server.pid);
    const open = sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length;
    const each = ((after - before) * 1024) / count;
    return [peer.name, before.toFixed(0), after.toFixed(0), each.toFixed(1), String(open)];
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.stop();
  }
}

async function askOnce(port) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.write('GET /1k.bin HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

function residentMebibytes(pid) {
  const kibibytes = processTree(pid).map((id) =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'latin1'))?.[1] ?? 0),
  );
  return kibibytes.reduce((sum, one) => sum + one, 0) / 1024;
}
