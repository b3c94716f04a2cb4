// What makes responders out of mounts of scripts and applications. Their packages are a third of all the code, which a server
// of files would read at every start for nothing, so the command loads them when its configuration has such a mount.
// `createServer` of the package has to have them at hand, as it does not wait.

import type { cgi } from '@onezero/cgi-process';
import type { fastcgi, scgi } from '@onezero/cgi-process/fastcgi';
import type { app, asgi, wsgi } from '@onezero/python';

/** The factories that a mount can need. */
export interface Makers {
  readonly cgi: typeof cgi;
  readonly fastcgi: typeof fastcgi;
  readonly scgi: typeof scgi;
  readonly wsgi: typeof wsgi;
  readonly asgi: typeof asgi;
  readonly app: typeof app;
}

// One for the process, as modules themselves are.
const loaded: Partial<{ -readonly [Name in keyof Makers]: Makers[Name] }> = {};

/** Hands over factories that are there already. */
export function provideMakers(makers: Makers): void {
  Object.assign(loaded, makers);
}

/** Loads the factories of those names. */
export async function loadMakers(names: Iterable<keyof Makers>): Promise<void> {
  for (const name of names) {
    if (name === 'cgi') loaded.cgi ??= (await import('@onezero/cgi-process')).cgi;
    else if (name === 'fastcgi' || name === 'scgi') Object.assign(loaded, await gatewayMakers());
    else Object.assign(loaded, await pythonMakers());
  }
}

async function gatewayMakers(): Promise<Pick<Makers, 'fastcgi' | 'scgi'>> {
  const { fastcgi, scgi } = await import('@onezero/cgi-process/fastcgi');
  return { fastcgi, scgi };
}

async function pythonMakers(): Promise<Pick<Makers, 'wsgi' | 'asgi' | 'app'>> {
  const { wsgi, asgi, app } = await import('@onezero/python');
  return { wsgi, asgi, app };
}

/** A factory that was loaded or handed over. */
export function maker<Name extends keyof Makers>(name: Name): Makers[Name] {
  const found: Makers[Name] | undefined = loaded[name];
  if (found === undefined) throw new Error(`${name} is asked for and was not loaded`);
  return found;
}
