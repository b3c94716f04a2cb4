// A responder, and the path at which a handler of node:http or fetch answers for it.

import { checkOptions } from '@onezero/static/options';
import { mountOf } from './adapters/mount.ts';
import type { DavResponder } from './message.ts';
import { mountTable, type WebdavMountOptions, webdavTable } from './options.ts';
import { webdav } from './webdav.ts';

/** Makes both of the same options. */
export function mountedResponder(options: WebdavMountOptions): {
  readonly respond: DavResponder;
  readonly mount: string;
} {
  checkOptions({ ...webdavTable, ...mountTable }, options, 'webdav');
  const { path = '', ...rest } = options;
  const respond = webdav(rest);
  // The first write reports what a failed start has to say; until then nothing waits for it.
  respond.ready().catch(() => {});
  return { respond, mount: mountOf(path) };
}
