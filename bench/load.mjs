// One measured burst of load on one server: requests per second, latency, and what it cost the server's processor.
//
// wrk keeps connections open; ab in its default mode opens an HTTP/1.0 connection for each request; messages of WebSockets are
// sent by a client of our own.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { placed } from './peers/index.mjs';
import { processorMicroseconds } from './process-tree.mjs';

const run = promisify(execFile);

/** The core that generates load; the servers have the other one. */
const LOAD_CORE = '1';

/**
 * Sends load for `seconds` and measures.
 *
 * @param server   `{ pid }`
 * @param options  `{ url, connections, seconds, fields, newConnections, script, words, messageBytes, placement }`; `words` are for the
 *                 script; with the placement `system` the load may run on every core
 */
export async function measure(server, options) {
  const before = processorMicroseconds(server.pid);
  const result = await send(options);
  const cost = processorMicroseconds(server.pid) - before;
  return { ...result, processorPerRequest: result.requests === 0 ? Number.NaN : cost / result.requests };
}

function send(options) {
  if (options.messageBytes !== undefined) return echoes(options);
  return options.newConnections ? ab(options) : wrk(options);
}

async function echoes({ url, connections, seconds, messageBytes }) {
  const client = join(import.meta.dirname, 'wsgi/echo-client.mjs');
  const words = [new URL(url).port, connections, seconds, messageBytes].map(String);
  const { stdout } = await run('taskset', ['-c', LOAD_CORE, process.execPath, client, ...words]);
  const result = JSON.parse(stdout);
  return { ...result, requestsPerSecond: result.requests / seconds, failed: 0, socketErrors: undefined };
}

async function wrk({ url, connections, seconds, fields = [], timeoutSeconds = 20, script, words = [], placement }) {
  const args = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, `--timeout`, `${timeoutSeconds}s`, '--latency'];
  for (const field of fields) args.push('-H', field);
  if (script !== undefined) args.push('-s', script);
  const all = [...args, url, ...(words.length > 0 ? ['--', ...words] : [])];
  const [command, ...others] = placed(LOAD_CORE, placement, all);
  const { stdout } = await run(command, others);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const failed = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
  const socketErrors = /Socket errors: (.*)/.exec(stdout)?.[1];
  return {
    requests,
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p50: milliseconds(/^ +50% +(\S+)/m.exec(stdout)?.[1]),
    p99: milliseconds(/^ +99% +(\S+)/m.exec(stdout)?.[1]),
    failed,
    socketErrors,
  };
}

async function ab({ url, connections, seconds }) {
  // ab counts requests, not time: a number no server reaches, cut off by -t.
  const args = ['-c', LOAD_CORE, 'ab', '-q', '-c', String(connections), '-t', String(seconds), '-n', '1000000', url];
  const { stdout } = await run('taskset', args, { maxBuffer: 1 << 24 });
  return {
    requests: Number(/Complete requests:\s+(\d+)/.exec(stdout)?.[1]),
    requestsPerSecond: Number(/Requests per second:\s+([\d.]+)/.exec(stdout)?.[1]),
    p50: Number(/50%\s+(\d+)/.exec(stdout)?.[1]),
    p99: Number(/99%\s+(\d+)/.exec(stdout)?.[1]),
    failed: Number(/Non-2xx responses:\s+(\d+)/.exec(stdout)?.[1] ?? 0),
    socketErrors: undefined,
  };
}

function milliseconds(text) {
  const [, number, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text ?? '') ?? [];
  return Number(number) * { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit];
}
