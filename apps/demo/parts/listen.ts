// Starting and stopping as people at a terminal expect it.
import { rmSync } from 'node:fs';
import type { Server } from '@onezero/server';

/** Listens on the port, or on the next one that is free, and returns the URL. */
export async function listenNear(server: Server, port: number): Promise<string> {
  for (let next = port; ; next++) {
    try {
      const [address] = await server.listen({ port: next });
      return address?.url ?? '';
    } catch (error) {
      // Twenty busy ports in a row are not an accident, and port 0 is never busy.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || next === port + 20) throw error;
    }
  }
}

/** On Ctrl+C answers under way are finished, then the uploads go; a second Ctrl+C does not wait. npm repeats each at once. */
export function stopOnSignal(server: Server, uploads: string): void {
  let firstAt: number | undefined;
  const stop = async (): Promise<void> => {
    firstAt ??= performance.now();
    const isSecond = performance.now() - firstAt > 500;
    await server.close({ graceMs: isSecond ? 0 : 2000 });
    rmSync(uploads, { recursive: true, force: true });
  };
  process.on('SIGINT', () => void stop());
  process.on('SIGTERM', () => void stop());
}
