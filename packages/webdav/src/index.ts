export type { DavRequest, DavResponder, DavResponse, Field } from './message.ts';
export type { FileOptions, WebdavLimits, WebdavOptions } from './options.ts';
export { DAV_METHODS, webdav } from './webdav.ts';
