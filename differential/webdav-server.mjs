// A process that serves a folder over WebDAV: node webdav-server.mjs FOLDER [ENGINE] [QUOTA]. `engine` is the server of onezero, anything
// else the handler for node:http. Says its port in one line.

import { createServer as createNodeServer } from 'node:http';
import { createServer } from '@onezero/server';
import { webdav } from '@onezero/webdav/node';

const [root, engine, quota] = process.argv.slice(2);
const options = { root, fsync: false, ...(quota === undefined ? {} : { quotaBytes: Number(quota) }) };
if (engine === 'engine') {
  const server = createServer({ webdav: options });
  const [address] = await server.listen({ port: 0, host: '127.0.0.1' });
  console.log(new URL(address.url).port);
} else {
  const server = createNodeServer(webdav(options));
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}
