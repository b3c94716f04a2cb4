import { createServer } from '@onezero/server';

/** A request comes in as a value, a response goes out as one. */
function clock({ query }) {
  const zone = new URLSearchParams(query).get('zone') ?? 'UTC';
  if (!Intl.supportedValuesOf('timeZone').includes(zone) && zone !== 'UTC') return { status: 404, fields: [] };
  const time = new Date(0).toLocaleTimeString('en-GB', { timeZone: zone });
  return { status: 200, fields: [['content-type', 'text/plain']], content: `${time}\n` };
}

const server = createServer({ routes: [{ path: '/midnight', responder: clock }] });
await server.listen({ port: 8080 });
