import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveStatic } from '@onezero/static/node';

const root = await mkdtemp(join(tmpdir(), 'first-'));
await writeFile(join(root, 'digits.txt'), '0123456789');

const server = createServer(serveStatic(root, { maxAgeSeconds: 60 }));

server.listen(0, async () => {
  const url = `http://localhost:${server.address().port}`;
  const part = await fetch(`${url}/digits.txt`, { headers: { range: 'bytes=2-4' } });
  console.log(part.status, part.headers.get('content-range'), await part.text());
  const outside = await fetch(`${url}/..%2f..%2fetc%2fpasswd`);
  console.log(outside.status, (await outside.text()).trim());
  server.close();
  await rm(root, { recursive: true });
});
