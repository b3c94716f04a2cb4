import { createServer } from '@onezero/server';
import { serveStatic } from '@onezero/static';

const server = createServer({
  routes: [
    { host: 'bread.example', responder: serveStatic('bread') },
    { host: 'wine.example', responder: serveStatic('wine') },
  ],
});
await server.listen({ port: 8080 });
