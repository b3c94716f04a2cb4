// Loads the packages and parts that a configuration needs, and no others: their reading is most of the time of a start.

import type { Makers } from '../../compose.ts';

/** Makers that are loaded when a configuration first needs them. */
export type LoadedMakers = { -readonly [Name in keyof Makers]: Makers[Name] };

/** Loads the makers of those names into `loaded`. */
export async function loadMakers(names: Iterable<keyof Makers>, loaded: LoadedMakers): Promise<void> {
  for (const name of names) {
    if (loaded[name] === undefined) Object.assign(loaded, await packageOf(name));
  }
}

async function packageOf(name: keyof Makers): Promise<LoadedMakers> {
  switch (name) {
    case 'cgi':
      return { cgi: (await import('@onezero/cgi-process')).cgi };
    case 'fastcgi':
    case 'scgi':
    case 'php': {
      const { fastcgi, scgi, php } = await import('@onezero/cgi-process/fastcgi');
      return { fastcgi, scgi, php };
    }
    case 'proxy':
      return { proxy: (await import('../../proxy/proxy.ts')).proxyResponder };
    case 'live':
      return { live: (await import('../../live/live.ts')).Live };
    case 'auth':
      return { auth: (await import('../../routing/basic-auth.ts')).authentication };
    case 'internal':
      return { internal: (await import('../../routing/internal-files.ts')).internalFiles };
    case 'webdav':
      return { webdav: (await import('@onezero/webdav')).webdav };
    default: {
      const { wsgi, asgi, app } = await import('@onezero/python');
      return { wsgi, asgi, app };
    }
  }
}
