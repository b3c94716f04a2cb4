import { mkdirSync } from 'node:fs';
import { createServer } from '@onezero/server';

mkdirSync('received', { recursive: true });

const server = createServer({
  root: 'received',
  static: { writable: true, listing: true },
  auth: [{ methods: ['PUT', 'DELETE'], users: (user, password) => user === 'ada' && password === 'engine' }],
  limits: { maxContentBytes: 10_000_000 },
});
await server.listen({ port: 8080 });
