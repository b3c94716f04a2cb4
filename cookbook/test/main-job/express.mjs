// One program with all of it: files, scripts, a Python application and Express, behind one port.
import { createServer, nodeResponder } from '@onezero/server';
import express from 'express';

const [root, scripts, python] = process.argv.slice(2);

const shop = express()
  .use(express.json())
  .get('/cup', (request, response) =>
    response.send(`a cup for ${request.query['name'] === 'Ann' ? 'Ann' : 'you'}, ${request.baseUrl}`),
  )
  .post('/order', (request, response) => response.status(201).json({ ordered: request.body }))
  .get('/events', (_request, response) => {
    response.type('text/event-stream');
    for (let number = 0; number < 100; number++) {
      // Twice in one turn, as libraries for events do.
      response.write('event: tick\n');
      response.write(`data: ${number}\n\n`);
    }
    response.end();
  })
  .get('/wrong', () => {
    throw new Error('thrown on purpose');
  });

const server = createServer({
  root,
  cgi: scripts,
  wsgi: [{ path: '/python', application: 'shop:application', cwd: import.meta.dirname, processes: 1, python }],
  routes: [{ path: '/shop', responder: nodeResponder(shop) }],
});
const [address] = await server.listen({ port: 0, host: '127.0.0.1' });
process.once('SIGTERM', () => void server.close({ graceMs: 5000 }));
console.log(address.url);
