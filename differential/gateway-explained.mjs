// Why onezero and nginx may answer differently what one application does. The first reason that applies is the reason.

/** What the plan writes to standard output, without records that are not the request's. */
const written = ({ output }) =>
  Buffer.concat(
    output
      .filter(({ to, id, version, type }) => to === 'out' && [id, version, type].every((one) => one === undefined))
      .map(({ bytes }) => bytes),
  ).toString('latin1');

const headOf = (plan) => /^.*?\n\r?\n/s.exec(written(plan))?.[0];
const announced = (plan) => /^content-length: *(\d+)\r?$/im.exec(headOf(plan) ?? '')?.[1];
const isBroken = ({ status, isWhole, fields }) => status === 0 || (status >= 502 && fields.length === 0) || !isWhole;
const begins = (one, other) => one.content.startsWith(other.content) || other.content.startsWith(one.content);
const hasOdd = ({ output }) =>
  output.some(({ to, id, version, type }) => to === 'raw' || [id, version, type].some((one) => one !== undefined));
const isEnded = ({ end }) => end === 'whole' || end === 'junk' || end === 'end-only';

const hasNoContent = (plan) => /^status: *(?:204|304)/im.test(headOf(plan) ?? '');

const EXPLAINED = [
  {
    why: 'a header that is not what the RFC says: nginx takes some of it; ours 502 with the line in the log',
    applies: ({ plan, our }) =>
      our.status === 502 &&
      /^(?:nonsense|: empty|X One|X-Nul|Status: (?:99|abc|1000)|Content-Length: (?:1x|-)|.*\0)/im.test(written(plan)),
  },
  {
    why: 'Status, Content-Type or Content-Length twice, which are two answers: ours 502',
    applies: ({ plan, our }) =>
      our.status === 502 &&
      ['status', 'content-type', 'content-length'].some(
        (name) => (headOf(plan) ?? '').toLowerCase().split(`${name}:`).length > 2,
      ),
  },
  {
    why: 'a 200 with Location: ours 302, as Apache and lighttpd',
    applies: ({ plan, our, their }) => our.status === 302 && their.status === 200 && /^location:/im.test(headOf(plan)),
  },
  {
    why: 'the type of 204 and 304: ours is left out, there is no content that has it',
    applies: ({ our, their }) =>
      (our.status === 204 || our.status === 304) &&
      our.status === their.status &&
      our.fields[0] === null &&
      JSON.stringify([our.fields.slice(1), our.content, our.isWhole]) ===
        JSON.stringify([their.fields.slice(1), their.content, their.isWhole]),
  },
  {
    why: 'a record that is not of this request: both break off, at other places',
    applies: ({ plan, our, their }) =>
      plan.protocol === 'fastcgi' && hasOdd(plan) && isBroken(our) && isBroken(their) && begins(our, their),
  },
  {
    why: 'management records (FastCGI §4): nginx knows none; ours passes them over',
    applies: ({ plan }) => plan.output.some(({ id, type }) => id === 0 && type >= 9),
  },
  {
    why: 'END_REQUEST that says that the request was refused: ours 502 or 503, or a broken answer; nginx does not look',
    applies: ({ plan, our }) => plan.protocol === 'fastcgi' && isEnded(plan) && plan.status !== 0 && isBroken(our),
  },
  {
    why: 'no END_REQUEST, and no length: ours breaks the answer off, which may not be whole, or is 502 where nothing of it has left',
    applies: ({ plan, our, their }) =>
      plan.protocol === 'fastcgi' &&
      !isEnded(plan) &&
      announced(plan) === undefined &&
      isBroken(our) &&
      begins(our, their),
  },
  {
    why: 'an application that falls silent or is reset: both break off, at other places; or 504 and 502 before the head',
    applies: ({ plan, our, their }) =>
      (plan.end === 'silence' || plan.end === 'reset') && isBroken(our) && isBroken(their),
  },
  {
    why: 'the announced length has come before the silence or reset: ours is whole, nginx breaks off what it has buffered',
    applies: ({ plan, our, their }) =>
      (plan.end === 'silence' || plan.end === 'reset') &&
      our.isWhole &&
      our.content.length === Number(announced(plan)) &&
      isBroken(their),
  },
  {
    why: 'a reset: how much is read before it',
    applies: ({ plan, our, their }) => plan.end === 'reset' && (isBroken(our) || isBroken(their)) && begins(our, their),
  },
  {
    why: 'output behind the empty record that ends STDOUT: ours takes it, nginx has a header that ends too early',
    applies: ({ plan, our, their }) =>
      plan.protocol === 'fastcgi' &&
      plan.output.some(({ to, bytes }) => to === 'out' && bytes.length === 0) &&
      !isBroken(our) &&
      isBroken(their),
  },
  {
    why: 'a reset right behind the last bytes: libuv reports an end, and SCGI has no other',
    applies: ({ plan, our, their }) =>
      plan.protocol === 'scgi' && plan.end === 'reset' && our.isWhole && isBroken(their),
  },
  {
    why: 'all that is sent came before a record that is not of this request: whole, or broken, as it was read',
    applies: ({ plan, request, our, their }) =>
      plan.protocol === 'fastcgi' &&
      hasOdd(plan) &&
      (isBroken(our) || isBroken(their)) &&
      (request.method === 'HEAD' || announced(plan) !== undefined || hasNoContent(plan)),
  },
  {
    why: 'content that is shorter than announced: ours 502, or broken; nginx sends what there is, broken',
    applies: ({ plan, our, their }) => announced(plan) !== undefined && isBroken(our) && isBroken(their),
  },
];

/** The first reason that applies; undefined for a difference that nobody has explained. */
export function explainedBy(context) {
  return EXPLAINED.find(({ applies }) => applies(context))?.why;
}
