// sirv on node:http, the usual small static stack of Node: in production mode, or with a third word looking at each request.
import { createServer } from 'node:http';

import sirv from 'sirv';

const [root, port, looks] = process.argv.slice(2);
const files = sirv(root, { etag: true, dev: looks !== undefined });
createServer((request, response) => {
  files(request, response, () => response.writeHead(404).end());
}).listen(Number(port), '127.0.0.1');
