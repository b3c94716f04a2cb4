// A folder over WebDAV by the server as programs use it: node server.mjs ROOT PORT FSYNC.

import { createServer } from '@onezero/server';

const [root, port, fsync] = process.argv.slice(2);
await createServer({ webdav: { root, fsync: fsync === 'true' } }).listen({ port: Number(port), host: '127.0.0.1' });
