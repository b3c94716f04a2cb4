export type { ContentOut, Field, Peer, RequestMessage, Responder, ResponseMessage } from './message.ts';
export type { Method, Route, Server, ServerOptions } from './options.ts';
export { createServer } from './server.ts';
