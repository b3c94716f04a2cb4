import { createServer } from '@onezero/server';

const cache = new Map([['/a', 'kept']]);
const links = new Set();
const plain = [['content-type', 'text/plain']];

const server = createServer({
  // GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, LINK and UNLINK are known already.
  methods: [{ name: 'PURGE', safe: false, idempotent: true, content: 'none' }],
  routes: [
    {
      path: '/cache',
      methods: ['GET', 'PURGE'],
      responder({ method, pathInfo }) {
        if (method === 'PURGE') return { status: cache.delete(pathInfo) ? 204 : 404, fields: [] };
        const found = cache.get(pathInfo);
        return found ? { status: 200, fields: plain, content: `${found}\n` } : { status: 404, fields: [] };
      },
    },
    {
      path: '/friends',
      methods: ['GET', 'LINK', 'UNLINK'],
      responder({ method, fields }) {
        const link = fields.find(([name]) => name === 'link')?.[1];
        if (method === 'LINK') links.add(link);
        if (method === 'UNLINK') links.delete(link);
        return { status: 200, fields: plain, content: `${[...links].join('\n')}\n` };
      },
    },
  ],
});
await server.listen({ port: 8080 });
