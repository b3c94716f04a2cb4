import { createServer } from '@onezero/server';

const server = createServer({
  root: 'examples/site', // files, listings, ranges, conditional requests
  cgi: 'examples/cgi-bin', // every executable in it, below /cgi-bin
  routes: [
    {
      path: '/hello',
      responder: ({ pathInfo }) => ({ status: 200, fields: [], content: Buffer.from(`Hello ${pathInfo}`) }),
    },
  ],
});
const [address] = await server.listen({ port: 0 });

for (const path of ['/', '/cgi-bin/clock/utc?zone', '/hello/you', '/nothing']) {
  const response = await fetch(`${address.url}${path}`, { headers: { accept: 'application/json' } });
  console.log(response.status, path, (await response.text()).split('\n')[0]);
}
await server.close();
