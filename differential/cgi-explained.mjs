// Answers of scripts that differ from Apache's for a reason. Each name is a row in README.md.

const linesOf = ({ script }) => script?.lines ?? [];
const hasLine = (difference, pattern) => linesOf(difference).some((line) => pattern.test(line));
const last = ({ script }) => script?.steps.at(-1)?.kind;
const announced = (difference) =>
  linesOf(difference)
    .find((line) => /^content-length:/i.test(line))
    ?.slice(15);

const hasField = ({ fields }, wanted) => fields.some(([name]) => name === wanted);
const isChunked = (request) => hasField(request, 'Transfer-Encoding');

/** @type {{ name: string, applies: (difference: any) => boolean }[]} */
export const EXPLAINED = [
  {
    name: 'a script that is not executable',
    applies: ({ request, our }) => request.script === 'not-executable' && our.status === 403,
  },
  {
    name: 'content that a script does not read',
    applies: ({ request, their }) => request.content.length > 0 && (their.status === 0 || !their.isWhole),
  },
  {
    name: 'content in chunks',
    applies: ({ request }) => isChunked(request) && /^(?:environment|echo)$/.test(request.script),
  },
  {
    name: 'a folder among the scripts',
    applies: ({ request, our, their }) => request.script === 'folder' && our.status === 403 && their.status === 301,
  },
  {
    name: 'a local redirect with other fields',
    applies: (difference) =>
      hasLine(difference, /^Location: \/(?!\/)/) && linesOf(difference).length > 1 && difference.our.status === 302,
  },
  {
    name: 'a Content-Length that is not true',
    applies: (difference) =>
      announced(difference) !== undefined && Number(announced(difference)) !== difference.script.bodyLength,
  },
  {
    name: 'a redirect with content',
    applies: (difference) =>
      hasLine(difference, /^Location: (?:[a-z]+:|\/\/|other)/i) &&
      !hasLine(difference, /^Status: (?!200)/) &&
      difference.our.status === 302,
  },
  {
    name: 'a POST of HTTP/1.0 without a length',
    applies: ({ request, our }) => request.method === 'POST' && request.version === '1.0' && our.status === 400,
  },
  {
    name: 'If-None-Match beside If-Modified-Since',
    applies: ({ request, our, their }) =>
      our.status === 304 &&
      their.status === 200 &&
      ['If-None-Match', 'If-Modified-Since'].every((name) => hasField(request, name)),
  },
  {
    name: 'fields of the content in a 205 or 304',
    applies: ({ our, their }) => our.status === their.status && (our.status === 304 || our.status === 205),
  },
  {
    name: 'two Cookie fields',
    applies: ({ request, our, their }) =>
      request.script === 'environment' &&
      our.status === their.status &&
      request.fields.filter(([name]) => name === 'Cookie').length > 1,
  },
  {
    name: 'a path that leads out of the scripts',
    applies: ({ request, our, their }) => request.target.includes('..') && our.status === 405 && their.status === 404,
  },
  {
    name: 'empty segments in PATH_INFO',
    applies: ({ request, our, their }) =>
      request.script === 'environment' && our.status === their.status && /\/\//.test(request.target),
  },
  {
    name: 'a field of more than 8 KiB',
    applies: (difference) => difference.their.status === 500 && linesOf(difference).some((line) => line.length > 7_900),
  },
  { name: 'a script that is ended by a signal', applies: (difference) => last(difference) === 'signal' },
  {
    name: 'a header that is not what the RFC says',
    applies: ({ script, our }) => script?.isBroken === true && our.status === 502,
  },
];
