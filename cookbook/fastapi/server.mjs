import { createServer } from '@onezero/server';

const server = createServer({
  root: './site',
  static: { fallback: '/index.html' },
  asgi: { application: 'api:app', path: '/api' },
});
await server.ready();
await server.listen({ port: 8080 });
