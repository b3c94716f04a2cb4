import { createServer } from 'node:http';

createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ path: request.url, client: request.headers['x-forwarded-for'] }) + '\n');
}).listen(8081);
