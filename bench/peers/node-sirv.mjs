// sirv in production mode on node:http: the usual small static stack of Node.
import { createServer } from 'node:http';

import sirv from 'sirv';

const [root, port] = process.argv.slice(2);
const files = sirv(root, { etag: true });
createServer((request, response) => {
  files(request, response, () => response.writeHead(404).end());
}).listen(Number(port), '127.0.0.1');
