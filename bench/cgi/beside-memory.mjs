// A server that runs CGI scripts beside so many MiB of buffers, and tells how long its event loop was held up.
//
//   node beside-memory.mjs DIRECTORY PORT MIB shell|direct

import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { cgiHandler } from '@onezero/cgi-process/node';

const [directory, port, mebibytes, spawner] = process.argv.slice(2);
const scripts = cgiHandler({ directory, path: '/cgi-bin', spawner });
// Filled, because pages that nobody wrote to take no memory.
const memory = Array.from({ length: Number(mebibytes) }, (_, index) => Buffer.alloc(1 << 20, index + 1));
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();

createServer((request, response) => {
  if (request.url !== '/delay') return scripts(request, response);
  response.end(JSON.stringify({ p99: delay.percentile(99) / 1e6, mebibytes: process.memoryUsage.rss() / (1 << 20) }));
  delay.reset();
}).listen(Number(port), '127.0.0.1');

process.once('SIGTERM', () => {
  void scripts.close().then(() => process.exit(memory.length < 0 ? 1 : 0));
});
