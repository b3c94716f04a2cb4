// Where an answer has no trailers, to HEAD and to HTTP/1.0, node:http throws at an application that announces some, and again
// at the error page that Express sends then, which nobody catches. We pass none on, so none need to be announced.

import type { ServerResponse } from 'node:http';

type HeadWords = Parameters<ServerResponse['writeHead']>;

/** Takes Trailer out of what the application will say. Set on the object, since Express puts prototypes of its own behind it. */
export function announceNoTrailers(response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response);
  response.writeHead = (...words: readonly unknown[]): ServerResponse => {
    response.removeHeader('trailer');
    const others = words.map((word) => (typeof word === 'object' && word !== null ? withoutTrailer(word) : word));
    return writeHead(...(others as HeadWords));
  };
}

/** Fields as `writeHead` takes them: an object, pairs, or names and values in turn. */
function withoutTrailer(fields: object): unknown {
  const isOther = (name: unknown): boolean => String(name).toLowerCase() !== 'trailer';
  if (Array.isArray(fields) && Array.isArray(fields[0])) return fields.filter((pair: unknown[]) => isOther(pair[0]));
  if (!Array.isArray(fields)) return Object.fromEntries(Object.entries(fields).filter(([name]) => isOther(name)));
  return fields.filter((_, index) => isOther(fields[index - (index % 2)]));
}
