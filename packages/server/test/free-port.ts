import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * A port for a program that can only be told one, until the test ends. It is below the range from which the system takes the near
 * ends of connections, and a UDP port ten thousand below is held meanwhile: a sign to other tests, of this process and of others,
 * which choose between this moment and the one at which the program listens.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const claim = createSocket('udp4').bind({ port: port - 10_000, address: '127.0.0.1', exclusive: true });
    if (await came(claim, 'listening')) {
      const probe = createServer().listen(port);
      if (await came(probe, 'listening')) {
        onTestFinished(() => void claim.close());
        probe.close();
        await once(probe, 'close');
        return port;
      }
      claim.close();
    }
  }
}

/** Whether an event came, rather than an error. */
async function came(emitter: NodeJS.EventEmitter, event: string): Promise<boolean> {
  try {
    await once(emitter, event);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EADDRINUSE') return false;
    throw error;
  }
}
