import { createServer } from '@onezero/server';

const server = createServer({
  routes: [
    {
      path: '/echo',
      methods: ['POST'],
      // What comes in goes out as it comes: nothing is collected, and a slow reader slows the sender.
      responder: ({ content }) => ({ status: 200, fields: [['content-type', 'text/plain']], content }),
    },
  ],
});
await server.listen({ port: 8080 });
