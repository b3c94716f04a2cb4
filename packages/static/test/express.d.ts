// Express ships no types; this is the part of it that the tests use.

declare module 'express' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

  type Handler = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

  interface Express extends RequestListener {
    use(path: string, handler: Handler): void;
    get(path: string, handler: Handler): void;
  }

  export default function express(): Express;
}
