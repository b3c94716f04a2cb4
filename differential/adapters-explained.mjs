// Answers of the Node handler that differ from serve-static's for a reason. Each name is a row in README.md.

import { field } from './client.mjs';

const valueOf = ({ fields }, wanted) => fields.find(([name]) => name === wanted)?.[1];
const rangeOf = ({ request }) => valueOf(request, 'Range') ?? '';

/** @type {{ name: string, applies: (difference: any) => boolean }[]} */
export const EXPLAINED = [
  {
    name: 'an error of HEAD',
    applies: ({ request, our, their }) => request.method === 'HEAD' && our.status >= 400 && their.status === 598,
  },
  {
    name: 'no max-age',
    applies: ({ our, their, difference }) =>
      difference.names.join() === 'cache-control' &&
      [undefined, 'no-cache'].includes(field(our, 'cache-control')) &&
      /^public, max-age=0(?:, immutable)?$/.test(field(their, 'cache-control') ?? ''),
  },
  {
    name: 'OPTIONS of a file',
    applies: ({ request, our }) => request.method === 'OPTIONS' && our.status === 204,
  },
  {
    name: 'a weak If-Match',
    applies: ({ request, our }) => our.status === 412 && /W\//.test(valueOf(request, 'If-Match') ?? ''),
  },
  {
    name: 'the tag of a large file',
    applies: ({ request, our }) => our.status === 412 && request.target.endsWith('/large.txt'),
  },
  {
    name: 'If-Range',
    applies: ({ request, our, theirStatus }) =>
      valueOf(request, 'If-Range') !== undefined &&
      [200, 206, 416].includes(our.status) &&
      [200, 206, 416].includes(theirStatus) &&
      our.status !== theirStatus,
  },
  {
    name: 'HEAD with Range',
    applies: ({ request, our, theirStatus }) =>
      request.method === 'HEAD' &&
      rangeOf({ request }) !== '' &&
      our.status === 200 &&
      [206, 416, 598].includes(theirStatus),
  },
  {
    name: 'several ranges',
    applies: (facts) => rangeOf(facts).includes(',') && [200, 206, 416].includes(facts.our.status),
  },
  {
    name: 'a malformed Range',
    applies: (facts) =>
      facts.our.status === 200 && facts.theirStatus === 416 && !/^bytes=(?:\d+-\d*|-\d+)$/.test(rangeOf(facts)),
  },
  {
    name: 'a backwards Range',
    applies: (facts) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(rangeOf(facts)) ?? [];
      return facts.our.status === 200 && facts.theirStatus === 416 && Number(last) < Number(first);
    },
  },
  {
    name: 'a condition or range on the page of an error',
    applies: ({ company, our, theirStatus }) =>
      company.names.includes('a status of its own') && our.status === 404 && [206, 412, 416, 598].includes(theirStatus),
  },
  {
    name: 'a folder without an index file',
    applies: ({ our, their }) => [299, 304, 404].includes(our.status) && their.status === 301,
  },
  {
    name: 'a condition that is no HTTP date',
    applies: ({ request }) =>
      ['If-Modified-Since', 'If-Unmodified-Since'].some((name) => {
        const given = valueOf(request, name);
        return given !== undefined && !/\d\d:\d\d:\d\d(?: GMT| \d{4})$/.test(given);
      }),
  },
  {
    name: 'a date condition without Last-Modified',
    applies: ({ request, options, theirStatus }) =>
      options.lastModified === false &&
      [412, 598].includes(theirStatus) &&
      valueOf(request, 'If-Unmodified-Since') !== undefined,
  },
  {
    name: 'a range of an empty file',
    applies: ({ request, our, theirStatus }) => our.status === 200 && theirStatus === 416 && request.size === 0,
  },
  {
    name: 'a suffix longer than the file',
    applies: (facts) => facts.our.status === 206 && facts.theirStatus === 416 && /^bytes=-\d+$/.test(rangeOf(facts)),
  },
  {
    name: 'a path above the root',
    applies: ({ our, theirStatus }) => our.status === 400 && [403, 404, 405].includes(theirStatus),
  },
  {
    name: 'OPTIONS where nothing is',
    applies: ({ request, our, theirStatus }) =>
      request.method === 'OPTIONS' && our.status === 404 && theirStatus === 405,
  },
];
