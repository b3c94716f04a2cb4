// What another kind of server hands over is refused in one line that names the function for it.
// Without it the mistake would be an error of the engine in the middle of an answer, and the client would wait.

const HERE = '@onezero/cgi-process';

/** Throws a TypeError for what is no request of a responder, such as one of node:http or of fetch. */
export function checkMessage(request: unknown): void {
  const { pathInfo, fields } = isObject(request) ? request : {};
  if (typeof pathInfo === 'string' && Array.isArray(fields)) return;
  const others = `for node:http and Express there is ${HERE}/node, for fetch and Hono ${HERE}/fetch`;
  throw new TypeError(`${HERE}: expected a request of the form { method, pathInfo, fields, … }; ${others}`);
}

/** Throws a TypeError for what is no pair of request and response of node:http. */
export function checkNodePair(request: unknown, response: unknown): void {
  if (isObject(request) && isObject(response) && typeof response['setHeader'] === 'function') return;
  throw new TypeError(
    `${HERE}/node: expected request and response of node:http; for fetch and Hono there is ${HERE}/fetch`,
  );
}

/** Throws a TypeError for what is no Request of fetch. */
export function checkFetchRequest(request: unknown): void {
  const { url, headers } = isObject(request) ? request : {};
  if (typeof url === 'string' && isObject(headers) && typeof headers['get'] === 'function') return;
  throw new TypeError(`${HERE}/fetch: expected a Request; for node:http and Express there is ${HERE}/node`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
