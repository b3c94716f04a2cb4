// All that options can need, for a server that is made at once and cannot wait until it is loaded.

import { cgi } from '@onezero/cgi-process';
import { fastcgi, php, scgi } from '@onezero/cgi-process/fastcgi';
import { app, asgi, wsgi } from '@onezero/python';
import { webdav } from '@onezero/webdav';
import type { Makers } from './compose.ts';
import { Live } from './live/live.ts';
import { proxyResponder } from './proxy/proxy.ts';
import { authentication } from './routing/basic-auth.ts';
import { internalFiles } from './routing/internal-files.ts';

export const everyMaker: Required<Makers> = {
  cgi,
  fastcgi,
  scgi,
  php,
  wsgi,
  asgi,
  app,
  webdav,
  proxy: proxyResponder,
  live: Live,
  auth: authentication,
  internal: internalFiles,
};
