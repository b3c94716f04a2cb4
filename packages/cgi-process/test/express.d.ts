// The part of Express that a test uses; its own types would be a dependency for three calls.
declare module 'express' {
  import type { RequestListener } from 'node:http';

  interface Answer {
    status(code: number): this;
    send(text: string): void;
  }
  interface Application extends RequestListener {
    use(path: string, handler: unknown): void;
    use(handler: (request: unknown, response: Answer) => void): void;
  }
  export default function express(): Application;
}
