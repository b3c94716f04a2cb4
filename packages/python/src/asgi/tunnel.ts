// A connection that has changed its protocol: its bytes go to the worker and the worker's to it, each as fast as it is taken.

import type { Socket } from 'node:net';
import type { ResponseContent } from '../content/response-content.ts';

/** The side of the worker. */
export interface TunnelTarget {
  /** Sends bytes of the client; false when it should wait for `resume`. */
  write(bytes: Uint8Array): boolean;
  /** The client sends no more. */
  end(): void;
  /** The client is gone. */
  abandon(): void;
}

/** Sends what `content` holds to the stream, and what comes to `target`, until either side ends. */
export function tunnel(stream: Socket, content: ResponseContent, target: TunnelTarget): void {
  let isOver = false;
  const leave = (): void => {
    if (isOver) return;
    isOver = true;
    target.abandon();
  };
  stream.on('data', (bytes) => {
    if (!target.write(bytes)) stream.pause();
  });
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
      stream.end();
    } catch {
      // The worker has said why; the client sees that the connection breaks.
      isOver = true;
      stream.destroy();
    }
  }
}

async function send(stream: Socket, content: ResponseContent): Promise<void> {
  for await (const bytes of content) {
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
