import { createServer } from '@onezero/server';

const server = createServer({
  root: 'public',
  errorPages: {
    404: { file: 'public/lost.html' },
    '5xx': { template: '<!doctype html><title>{{status}}</title><p>{{reason}}. Tell us the number {{id}}.' },
  },
  onError({ status, cause, source, request }) {
    console.error(status, source, request?.target, cause instanceof Error ? cause.message : '');
    // Whatever is returned here is sent in place of the page.
    return request?.pathInfo === '/old.html' ? { status: 301, fields: [['location', '/new.html']] } : undefined;
  },
  routes: [
    {
      path: '/broken',
      responder() {
        throw new Error('broken on purpose');
      },
    },
  ],
});
await server.listen({ port: 8080 });
