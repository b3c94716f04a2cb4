// Answers of static files that differ from a peer's for a reason. Each name is a row in README.md.

import { field } from './client.mjs';

const valueOf = ({ fields }, wanted) => fields.find(([name]) => name === wanted)?.[1];
const isDate = (value) => /^[A-Z][a-z]+,? .*\d\d:\d\d:\d\d/.test(value);
/** Whether every range of a field is well formed and its numbers fit. */
const isWellFormed = (range) => /^bytes=(\d+-\d*|-\d+)(, *(\d+-\d*|-\d+))*$/.test(range) && !hasBackwards(range);
const hasBackwards = (range) =>
  [...range.matchAll(/(\d+)-(\d+)/g)].some(([, first, last]) => Number(last) < Number(first));

const PRECONDITIONS = ['If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since'];

/** @type {{ name: string, applies: (difference: any) => boolean }[]} */
export const EXPLAINED = [
  {
    name: 'a folder without an index file',
    applies: ({ request, our }) => request.kind === 'bare folder' && our.status === 404,
  },
  {
    name: 'HEAD with Range',
    applies: ({ request, our, their }) =>
      request.method === 'HEAD' &&
      valueOf(request, 'Range') !== undefined &&
      our.status === 200 &&
      their.status !== 200,
  },
  {
    name: 'HEAD of an empty file',
    applies: ({ request, our, their }) =>
      request.method === 'HEAD' && field(our, 'content-length') === '0' && field(their, 'content-length') === undefined,
  },
  {
    name: '416 without Content-Range',
    applies: ({ our, their }) =>
      our.status === 416 && their.status === 416 && field(their, 'content-range') === undefined,
  },
  {
    name: 'a malformed Range',
    applies: ({ request, our, their }) =>
      !isWellFormed(valueOf(request, 'Range') ?? 'bytes=0-') &&
      our.status === 200 &&
      [200, 206, 416].includes(their.status),
  },
  {
    name: 'a range of an empty file',
    applies: ({ request, our, their }) => request.size === 0 && our.status === 200 && their.status === 416,
  },
  {
    name: 'If-Unmodified-Since without a date',
    applies: ({ request, their, peer }) =>
      peer === 'nginx' && their.status === 412 && !isDate(valueOf(request, 'If-Unmodified-Since') ?? 'Mon, 00:00:00'),
  },
  {
    name: 'If-Range with a date that was set',
    applies: ({ request, our }) => our.status === 200 && isDate(valueOf(request, 'If-Range') ?? ''),
  },
  {
    name: 'ranges of a precompressed file',
    applies: ({ request, our, peer }) =>
      peer === 'nginx' &&
      request.hasGzip &&
      valueOf(request, 'Range') !== undefined &&
      field(our, 'content-encoding') === undefined,
  },
  {
    name: 'precompressed forms of what is no text',
    applies: ({ request, our, their, peer }) =>
      peer === 'nginx' &&
      request.target.endsWith('.bin') &&
      field(our, 'content-encoding') === undefined &&
      field(their, 'content-encoding') === 'gzip',
  },
  {
    name: 'Accept-Encoding: *',
    applies: ({ request, our, their, peer }) =>
      peer === 'nginx' &&
      valueOf(request, 'Accept-Encoding') === '*' &&
      field(our, 'content-encoding') === 'gzip' &&
      field(their, 'content-encoding') === undefined,
  },
  {
    name: 'several preconditions',
    applies: ({ request }) => PRECONDITIONS.filter((name) => valueOf(request, name) !== undefined).length > 1,
  },
  {
    name: 'a precondition beside If-Range or an unsatisfiable Range',
    applies: ({ request, our, their, peer }) =>
      peer === 'apache' && our.status === 304 && valueOf(request, 'Range') !== undefined && their.status !== 304,
  },
  {
    name: 'more bytes than there are',
    applies: ({ request, our, their }) => our.status === 200 && their.status === 206 && asksForMoreThanAll(request),
  },
  {
    name: 'overlapping ranges',
    applies: ({ request, our, their, peer }) =>
      peer === 'apache' && our.status === 206 && their.status === 200 && valueOf(request, 'Range').includes(','),
  },
  {
    name: 'nothing of several ranges, or the last 0 bytes',
    applies: ({ request, our, their, peer }) =>
      peer === 'apache' && our.status === 416 && their.status === 200 && /,|-0+$/.test(valueOf(request, 'Range')),
  },
  {
    name: 'a weak tag in If-Match',
    applies: ({ request, our, their, peer }) =>
      peer === 'apache' && their.status === 412 && our.status !== 412 && valueOf(request, 'If-Match')?.includes('W/'),
  },
];

/** Whether the satisfiable ranges are together longer than the file. */
function asksForMoreThanAll(request) {
  const { size } = request;
  const lengths = valueOf(request, 'Range')
    .slice('bytes='.length)
    .split(',')
    .map((member) => {
      const [first, last] = member.trim().split('-');
      if (first === '') return Math.min(Number(last), size);
      if (Number(first) >= size) return 0;
      return (last === '' ? size : Math.min(Number(last) + 1, size)) - Number(first);
    });
  return lengths.length > 1 && lengths.reduce((sum, length) => sum + length, 0) > size;
}
