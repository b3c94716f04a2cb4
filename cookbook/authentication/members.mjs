import { createServer } from '@onezero/server';

const server = createServer({
  root: 'public',
  cgi: 'cgi-bin',
  auth: [
    { path: '/members', realm: 'Members', users: { file: 'members.htpasswd' } },
    { path: '/cgi-bin', users: (user, password) => user === 'ada' && password === 'engine' },
  ],
});
await server.listen({ port: 8080 });
