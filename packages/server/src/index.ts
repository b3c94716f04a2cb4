export type { ContentOut, Field, Peer, RequestMessage, Responder, ResponseMessage } from './message.ts';
