import { mkdirSync } from 'node:fs';
import { createServer } from '@onezero/server';

// What is served lies in these two; they are made if you have none yet.
for (const folder of ['public', 'cgi-bin']) mkdirSync(folder, { recursive: true });

const server = createServer({
  root: './public', // files: ranges, conditional requests, compression
  cgi: './cgi-bin', // executable files, at /cgi-bin
  routes: [{ path: '/hello', responder: hello }],
});

/** A request is a value, a response is a value, and a responder is a function from one to the other. */
function hello({ method, pathInfo }) {
  return {
    status: 200,
    fields: [['content-type', 'text/plain']],
    content: `${method} hello${pathInfo}\n`,
  };
}

const [address] = await server.listen({ port: 8080 });
console.log(address.url);
