// onezero with PHP below a root: `fastcgi-server.mjs PORT ROOT SOCKET`. The command has no words for it yet.

import { createServer } from '../packages/server/dist/index.js';

const [port, root, socket] = process.argv.slice(2);
await createServer({ root, fastcgi: socket, static: { listing: false } }).listen({
  port: Number(port),
  host: '127.0.0.1',
});
