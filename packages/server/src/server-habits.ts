// What servers of node:http, Express and Hono have as methods, and what does the same here: called, each says so.
// And their methods work alone, as those of plain objects do.

/** Where such a method is looked for, and the advice. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  on: 'there are no events; failures go to the option onError, requests to accessLog, and listen() returns a promise',
  once: 'there are no events; failures go to the option onError, requests to accessLog, and listen() returns a promise',
  address: 'the addresses are server.addresses, a list',
  use: 'there is no middleware; { routes: [{ path, responder }] } is an option of createServer',
  get: 'handlers are an option of createServer: { routes: [{ path, methods: ["GET"], responder }] }',
  post: 'handlers are an option of createServer: { routes: [{ path, methods: ["POST"], responder }] }',
  all: 'handlers are an option of createServer: { routes: [{ path, responder }] }',
  route: 'handlers are an option of createServer: { routes: [{ path, responder }] }',
  stop: 'the server ends with close()',
  closeAllConnections: 'connections are closed with close({ graceMs: 0 })',
};

/** Lets the instances of a class answer for such methods, which are none of theirs. */
export function refuseHabits({ prototype }: { readonly prototype: object }): void {
  for (const [name, advice] of Object.entries(ELSEWHERE)) {
    Object.defineProperty(prototype, name, {
      value: () => {
        throw new TypeError(`server.${name}: ${advice}`);
      },
    });
  }
}

/** Lets methods be taken out of a server, as in `const { listen } = createServer()`. */
export function bindMethods(server: object): void {
  for (const name of ['listen', 'fetch', 'reload', 'close', 'ready', 'explain']) {
    const method: unknown = Reflect.get(server, name);
    if (typeof method === 'function') Object.defineProperty(server, name, { value: method.bind(server) });
  }
}
