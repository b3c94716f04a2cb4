import { createServer } from '@onezero/server';

const server = createServer({
  // Only these may say who the client is and whether it came by https.
  trustedProxies: ['127.0.0.1', '::1'],
  routes: [
    {
      responder: ({ remote, scheme, authority }) => ({
        status: 200,
        fields: [['content-type', 'text/plain']],
        content: `${scheme}://${authority} for ${remote.address}\n`,
      }),
    },
  ],
});
await server.listen({ host: '127.0.0.1', port: 8081 });
