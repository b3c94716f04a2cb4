// The numbers of the server, once a second, to whoever listens: a response whose content has no end.
import { setTimeout as wait } from 'node:timers/promises';
import type { RequestMessage, ResponseMessage, ServerOptions } from '@onezero/server';

const seen = { requests: 0, errors: 0, bytes: 0 };

/** Takes each entry of the access log. */
export const count: NonNullable<ServerOptions['accessLog']> = (entry) => {
  seen.requests += 1;
  seen.bytes += entry.contentBytes;
  if (entry.status >= 400) seen.errors += 1;
};

export function answerLive({ signal }: RequestMessage): ResponseMessage {
  const fields = [
    ['content-type', 'text/event-stream'],
    ['cache-control', 'no-store'],
  ] as const;
  return { status: 200, fields, content: events(signal) };
}

async function* events(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  while (!signal.aborted) {
    const megabytes = Math.round(seen.bytes / 1e5) / 10;
    const numbers = { ...seen, megabytes, memory: Math.round(process.memoryUsage.rss() / 1e6) };
    yield new TextEncoder().encode(`data: ${JSON.stringify(numbers)}\n\n`);
    await wait(1000, undefined, { signal }).catch(() => undefined); // the reader has gone, and the loop's condition sees it
  }
}
