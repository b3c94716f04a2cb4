export type { WsgiLimits, WsgiLogEntry, WsgiOptions } from './options.ts';
export { WsgiError, type WsgiErrorCode } from './wsgi-error.ts';
export { wsgi, type WsgiResponder } from './wsgi.ts';
