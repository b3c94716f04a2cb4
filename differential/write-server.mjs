// One of several processes that write to the same folder: node write-server.mjs FOLDER. Says its port in one line.

import { createServer } from 'node:http';
import { serveStatic } from '@onezero/static/node';

const [root] = process.argv.slice(2);
const server = createServer(serveStatic(root, { writable: { fsync: false } }));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
