// Serves one part of what a server can do, asks for it over a socket, closes, and says that it is done.
import { createServer, fetchResponder, nodeResponder } from '@onezero/server';
import { once } from 'node:events';
import { request } from 'node:https';
import { text as consume } from 'node:stream/consumers';
import { certificate } from './certificate.mjs';

const [part] = process.argv.slice(2);
const own = { responder: () => ({ status: 200, content: 'from a function' }) };

const PARTS = {
  files: { options: { root: 'public' }, path: '/', expected: 'a page of the site' },
  responder: { options: { routes: [own] }, path: '/', expected: 'from a function' },
  fetch: {
    options: { routes: [{ responder: fetchResponder((asked) => new Response(new URL(asked.url).pathname)) }] },
    path: '/fetch',
    expected: '/fetch',
  },
  node: {
    options: { routes: [{ responder: nodeResponder((asked, answer) => answer.end(asked.url)) }] },
    path: '/node',
    expected: '/node',
  },
  proxy: { options: {}, path: '/', expected: 'from a function' },
  tls: { options: { routes: [own] }, path: '/', expected: 'from a function' },
  cgi: { options: { cgi: 'cgi-bin' }, path: '/cgi-bin/hello', expected: 'from a script\n' },
  wsgi: { options: { wsgi: 'hello:application' }, path: '/', expected: 'from python' },
};

const { options, path, expected } = PARTS[part];
const tls = part === 'tls' ? certificate : undefined;
const upstream = createServer({ routes: [own] });
const [behind] = await upstream.listen(0);
const server = createServer(part === 'proxy' ? { proxy: behind.url } : options);
const [address] = await server.listen({ port: 0, tls });
const text = await ask(new URL(path, address.url));
await server.close({ graceMs: 1000 });
await upstream.close({ graceMs: 1000 });
if (text !== expected) throw new Error(`${JSON.stringify(text)} in place of ${JSON.stringify(expected)}`);
console.log(`${part}: done`);

async function ask(url) {
  if (tls === undefined) return (await fetch(url, { signal: AbortSignal.timeout(30_000) })).text();
  const asked = request(url, { ca: tls.cert, servername: 'localhost' });
  const answered = once(asked, 'response');
  asked.end();
  const [answer] = await answered;
  return consume(answer);
}
