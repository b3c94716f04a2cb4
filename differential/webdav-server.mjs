// One of several processes that serve the same folder over WebDAV: node webdav-server.mjs FOLDER. Says its port in one line.

import { createServer } from 'node:http';
import { webdav } from '@onezero/webdav/node';

const [root] = process.argv.slice(2);
const server = createServer(webdav({ root, fsync: false }));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
