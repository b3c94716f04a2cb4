// A page that reloads itself, by a server inside the server: live reload is for all of a server, and this tour stays as it is.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, fetchResponder, type Route } from '@onezero/server';

const FIRST = `<!doctype html>
<title>A draft</title>
<h1>Change me</h1>
<p>Save, and look here.
`;

/** A route for a folder whose pages reload when a file in it changes; PUT changes it. */
export function draftIn(root: string, path: string): Route {
  writeFileSync(join(root, 'index.html'), FIRST);
  const server = createServer({ root, base: path, live: true, static: { writable: { quotaBytes: 1e6 } } });
  const responder = fetchResponder((request) => {
    const { pathname, search } = new URL(request.url);
    return server.fetch(new Request(new URL(`${path}${pathname}${search}`, request.url), request));
  });
  return { path, responder: Object.assign(responder, { close: () => server.close() }) };
}
