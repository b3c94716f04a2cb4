import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { webdav } from '@onezero/webdav/node';

const root = await mkdtemp(join(tmpdir(), 'first-'));
const server = createServer(webdav({ root, path: '/dav' }));

server.listen(0, async () => {
  const url = `http://localhost:${server.address().port}/dav`;
  const say = async (method, path, headers = {}, body) => {
    const response = await fetch(url + path, { method, headers, body });
    console.log(method, path, response.status);
    return response.text();
  };
  await say('MKCOL', '/letters');
  await say('PUT', '/letters/a.txt', {}, 'Dear Ada');
  await say('MOVE', '/letters/a.txt', { destination: `${url}/letters/ada.txt` });
  const listing = await say('PROPFIND', '/letters/', { depth: '1' });
  const hrefs = listing.match(/<D:href>[^<]+/g);
  console.log(hrefs.map((href) => href.slice(8)).join(' '));
  server.close();
  await rm(root, { recursive: true });
});
