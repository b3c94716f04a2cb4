// serve-static (send) on node:http: what Express applications serve files with.
import { createServer } from 'node:http';

import serveStatic from 'serve-static';

const [root, port] = process.argv.slice(2);
const files = serveStatic(root);
createServer((request, response) => {
  files(request, response, () => response.writeHead(404).end());
}).listen(Number(port), '127.0.0.1');
