import { json } from 'node:stream/consumers';
import { createServer } from '@onezero/server';

/** Greets whom the JSON names; a GET is sent to the page that explains it. */
async function greet(request) {
  const { method, pathInfo, fields, content, remote } = request;
  if (method === 'GET') return { status: 303, fields: [['location', '/about']] };
  const { name } = await json(content).catch(() => ({}));
  if (name === undefined) return { status: 422, content: 'a name is missing\n' };
  const language = new Headers(fields).get('accept-language') ?? 'en';
  const answer = { hello: name, language, from: remote.address, rest: pathInfo };
  return { status: 200, fields: [['content-type', 'application/json']], content: `${JSON.stringify(answer)}\n` };
}

const server = createServer({
  routes: [{ path: '/greet', methods: ['GET', 'POST'], responder: greet }],
  limits: { maxContentBytes: 10_000 },
});
await server.listen({ port: 8080 });
