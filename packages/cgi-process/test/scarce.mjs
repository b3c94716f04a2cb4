// Runs requests for scripts where something is wanting, and prints what they came to as JSON: `scarce.mjs DIRECTORY COUNT`.

import { setTimeout as delay } from 'node:timers/promises';
import { cgi } from '../dist/index.js';

const [directory, count] = process.argv.slice(2);
const respond = cgi({ directory, stderr: () => {} });
const peer = { address: '127.0.0.1', port: 1 };

async function* bytes(size) {
  if (size > 0) yield Buffer.alloc(size, 'x');
}

async function ask(path, size = 0) {
  const { status, content = [] } = await respond({
    method: size > 0 ? 'POST' : 'GET',
    target: path,
    version: '1.1',
    scheme: 'http',
    scriptName: '',
    pathInfo: path,
    fields: [],
    contentLength: size,
    content: bytes(size),
    remote: peer,
    local: peer,
  });
  const parts = [];
  for await (const part of content) parts.push(Buffer.from(part));
  return { status, text: Buffer.concat(parts).toString() };
}

const crowd = await Promise.all(Array.from({ length: Number(count) }, () => ask('/hello')));
// What one ran out of is back a little after the last of the crowd has ended.
async function askUntilServed(path, size) {
  const answer = await ask(path, size);
  if (answer.status !== 503) return answer;
  await delay(10);
  return askUntilServed(path, size);
}
const after = await askUntilServed('/hello', 0);
const upload = await askUntilServed('/count', 5000);
await respond.close();
console.log(JSON.stringify({ crowd, after, upload }));
