import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from '@onezero/server';

// A site to begin with: a page, and a script beside it.
const folder = await mkdtemp(join(tmpdir(), 'first-'));
await mkdir(join(folder, 'public'));
await writeFile(join(folder, 'public/index.html'), '<!doctype html>\n<p>Home.\n');
await mkdir(join(folder, 'cgi-bin'));
const script = '#!/bin/sh\necho "Content-Type: text/plain"\necho\necho "$REQUEST_METHOD $PATH_INFO, $QUERY_STRING"\n';
await writeFile(join(folder, 'cgi-bin/clock'), script, { mode: 0o755 });

const server = createServer({
  root: join(folder, 'public'), // files, listings, ranges, conditional requests
  cgi: join(folder, 'cgi-bin'), // every executable in it, below /cgi-bin
  routes: [
    {
      path: '/hello',
      responder: ({ pathInfo }) => ({ status: 200, fields: [], content: `Hello ${pathInfo}` }),
    },
  ],
});
const [address] = await server.listen({ port: 0 });

for (const path of ['/', '/cgi-bin/clock/utc?zone', '/hello/you', '/nothing']) {
  const response = await fetch(`${address.url}${path}`, { headers: { accept: 'application/json' } });
  console.log(response.status, path, (await response.text()).split('\n')[0]);
}
await server.close();
await rm(folder, { recursive: true });
