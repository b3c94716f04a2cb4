// A connection that has changed its protocol: its bytes go to the worker and the worker's to it, each as fast as it is taken.

import type { Socket } from 'node:net';
import type { ResponseContent } from '../content/response-content.ts';

/** The side of the worker. */
export interface TunnelTarget {
  /** Sends bytes of the client, which are valid during the call and may be changed by it; false when the client should wait for `readOn`. */
  write(bytes: Uint8Array): boolean;
  /** The client sends no more. */
  end(): void;
  /** The client is gone. */
  abandon(): void;
}

/** A connection of @onezero/server, which can do without the queues of a stream: no copies, and fewer turns. */
interface LendingSocket extends Socket {
  /** Hands over what comes: bytes are valid until `take` returns, false asks for no more until `goOn`. */
  lend(take: (bytes: Uint8Array) => boolean): void;
  goOn(): void;
  /** Writes at once; a promise where that takes time, until which the bytes must stay as they are. */
  send(bytes: Uint8Array): Promise<void> | undefined;
}

function isLending(stream: Socket): stream is LendingSocket {
  return 'lend' in stream && 'goOn' in stream && 'send' in stream;
}

/** How long a client may go on sending behind the end of the worker, which nobody reads: closed at once, it could lose that end. */
const LINGER_MS = 1000;

/** Reads on, after `write` has said false. */
export function readOn(stream: Socket): void {
  if (isLending(stream)) stream.goOn();
  else stream.resume();
}

/** Sends what `content` holds to the stream, and what comes to `target`, until either side ends. */
export function tunnel(stream: Socket, content: ResponseContent, target: TunnelTarget): void {
  let isOver = false;
  const leave = (): void => {
    if (isOver) return;
    isOver = true;
    target.abandon();
  };
  if (isLending(stream)) stream.lend((bytes) => target.write(bytes));
  else {
    stream.on('data', (bytes) => {
      if (!target.write(bytes)) stream.pause();
    });
  }
  stream.on('end', () => target.end());
  stream.on('close', leave);
  stream.on('error', leave); // a reset is a departure
  // One that has closed already says so to nobody.
  if (stream.destroyed) void content.return().then(leave);
  else void carry();

  async function carry(): Promise<void> {
    try {
      await send(stream, content);
      isOver = true;
      stream.end(() => setTimeout(() => stream.destroy(), LINGER_MS).unref());
    } catch {
      // The worker has said why; the client sees that the connection breaks.
      isOver = true;
      stream.destroy();
    }
  }
}

async function send(stream: Socket, content: ResponseContent): Promise<void> {
  for await (const bytes of content) {
    if (isLending(stream)) {
      await stream.send(bytes);
      if (stream.destroyed) return;
      continue;
    }
    // What `content` gives is valid until the next is asked for, and the stream may keep it longer.
    if (!stream.write(Buffer.from(bytes))) await drained(stream);
    if (stream.destroyed) return;
  }
}

function drained(stream: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off('drain', settle);
      stream.off('close', settle);
      resolve();
    };
    stream.on('drain', settle);
    stream.on('close', settle);
  });
}
