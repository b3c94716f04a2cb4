// Answers of WebDAV that differ from those of Apache's mod_dav for a reason. Each name is a row in README.md.

const refuses = ({ status }) => status >= 400;

/** What stands for the rest of a tree that has no end in sight. */
export const TOO_DEEP = 'goes on and on';

/** @type {{ name: string, applies: (difference: any) => boolean }[]} */
export const EXPLAINED = [
  {
    // Ours is made out of sight and ends; mod_dav copies what it has just made until no path is long enough.
    name: 'a copy into itself by way of a link',
    applies: ({ request, their, trees }) =>
      request.method === 'COPY' &&
      (refuses(their) || their.status === 207) &&
      trees[1].includes(TOO_DEEP) &&
      !trees[0].includes(TOO_DEEP),
  },
  {
    name: 'GET of a collection',
    applies: ({ request, our, their }) =>
      ['GET', 'HEAD'].includes(request.method) &&
      [200, 301, 412].includes(our.status) &&
      [404, 412].includes(their.status),
  },
  {
    name: 'a lock that makes a file',
    applies: ({ request, our, their }) => request.method === 'LOCK' && our.status === 201 && their.status === 200,
  },
  {
    name: 'a lock where nothing is',
    applies: ({ request, our, their }) =>
      request.method === 'LOCK' && [404, 409, 423].includes(our.status) && [200, 207, 409].includes(their.status),
  },
  {
    name: 'If-Match of a collection',
    applies: ({ request, their }) =>
      request.fields.some(([name, value]) => name === 'If-Match' && value === '*') && their.status === 412,
  },
  {
    name: 'a path through a file',
    applies: ({ our, their }) => [404, 405, 409].includes(our.status) && their.status === 400,
  },
  {
    name: 'UNLOCK with the token of no lock',
    applies: ({ request, our, their }) =>
      request.method === 'UNLOCK' && [404, 409].includes(our.status) && refuses(their),
  },
  {
    name: 'If for methods that read',
    applies: ({ request, our, their }) =>
      ['GET', 'HEAD', 'PROPFIND'].includes(request.method) && hasIf(request) && our.status === 412 && !refuses(their),
  },
  {
    name: 'PUT with a slash at the end',
    applies: ({ request, our, their }) =>
      request.method === 'PUT' && request.hasSlash && our.status === 409 && !refuses(their),
  },
  {
    name: 'PUT to a link',
    applies: ({ request, our, their }) =>
      request.method === 'PUT' && request.isLink && our.status === 409 && !refuses(their),
  },
  {
    name: 'a link that leads nowhere',
    applies: ({ request, our, their }) => request.isLost && refuses(our) && refuses(their),
  },
  {
    // mod_dav leaves the link out when it removes a tree, and then the directory around it is not empty; of a link it empties the goal.
    name: 'a tree with a link in it',
    applies: ({ request, their }) =>
      ['DELETE', 'MOVE', 'COPY'].includes(request.method) &&
      request.hasLinks &&
      their.resources?.every((one) => one.endsWith(' | 403')),
  },
  {
    // Ours becomes what it stands for, or gives way; mod_dav leaves it out, or writes to what it leads to.
    name: 'a link that is copied, or copied onto',
    applies: ({ request, our, their, trees }) =>
      ['MOVE', 'COPY'].includes(request.method) &&
      request.hasLinks &&
      our.status === their.status &&
      trees[0] !== trees[1],
  },
  {
    name: 'a link among members',
    applies: ({ request, our, their }) =>
      request.method === 'PROPFIND' &&
      their.status === 207 &&
      their.resources.every((one) => our.resources?.includes(one)) &&
      our.resources
        .filter((one) => !their.resources.includes(one))
        .every((one) => request.links.includes(one.split(' | ')[0].split('/').at(-1))),
  },
  {
    name: 'a conflict with the lock of what is gone',
    applies: ({ request, our, their, before }) =>
      request.method === 'LOCK' &&
      !refuses(our) &&
      their.resources?.filter((one) => one.endsWith(' | 423')).every((one) => !isIn(before, one)),
  },
  {
    name: 'which resources are named as locked',
    applies: ({ our, their }) => isLocked(our) && isLocked(their),
  },
  {
    name: 'If of other resources',
    applies: ({ request }) =>
      request.condition.some(({ resource }) => resource !== undefined && !isSame(resource, request.path)),
  },
  {
    name: 'a lock of what is gone',
    applies: ({ request, our, their, before }) => isLocked(their) && !refuses(our) && !isNearLock(request, before),
  },
  {
    name: 'what comes into a locked collection',
    applies: ({ our, their, trees }) =>
      our.status === their.status && locksOff(trees[0]) === locksOff(trees[1]) && trees[0].length > trees[1].length,
  },
  {
    name: 'a lock of what is gone, shown',
    applies: ({ request, our, their }) =>
      request.method === 'PROPFIND' &&
      our.status === 404 &&
      their.resources?.every((one) => one.includes('resourcetype()')),
  },
  {
    name: 'properties of a collection that is copied alone',
    applies: ({ request, our, their }) =>
      request.method === 'COPY' &&
      our.status === their.status &&
      request.fields.some(([name, value]) => name === 'Depth' && value === '0'),
  },
  {
    name: 'If of a source, or of what is removed',
    applies: ({ request, their }) =>
      (request.destination !== undefined || (request.method === 'DELETE' && request.condition.length > 0)) &&
      hasIf(request) &&
      [412, 424].includes(their.status),
  },
  {
    name: 'If of a new member',
    applies: ({ request, their }) =>
      ['MKCOL', 'PUT'].includes(request.method) &&
      hasIf(request) &&
      their.resources?.some((one) => one.endsWith('412')),
  },
  {
    name: 'two reasons to refuse',
    applies: ({ request, our, their }) =>
      (refuses(our) || isLocked(our)) &&
      (refuses(their) || isLocked(their)) &&
      (reasons(request) > 1 || isLocked(our) || isLocked(their)),
  },
];

const hasIf = ({ condition, fields }) => condition.length > 0 || fields.some(([name]) => name.startsWith('If-'));
/** Whether what a line of a multistatus is about is in a tree. */
function isIn(tree, line) {
  const path = line.split(' | ')[0].split('/').slice(2).join('/');
  return tree.split('\n').some((one) => one.startsWith(`${path}/ `) || one.startsWith(`${path} `));
}

const isSame = (one, other) => one.join('/') === other.join('/');

const locksOff = (tree) => tree.replaceAll(/ *\[(?:exclusive|shared) \w+\]/g, '').replaceAll(/ +$/gm, '');

/** Whether a lock that can be seen covers, or is covered by, what a request changes. */
function isNearLock({ path, destination }, tree) {
  const locked = tree.split('\n').filter((line) => /\[(?:exclusive|shared) \w+\]$/.test(line));
  const changed = [path, destination].filter((one) => one !== undefined).map((one) => one.join('/'));
  return locked.some((line) =>
    changed.some(
      (one) =>
        line.startsWith(`${one}/`) ||
        line.startsWith(`${one} `) ||
        one === '' ||
        line.startsWith('/') ||
        isAround(line, one),
    ),
  );
}

function isAround(line, path) {
  const parts = path.split('/');
  return parts.some((_, index) => line.startsWith(`${parts.slice(0, index).join('/')}/ `));
}

/** Whether an answer says that locks were in the way. */
function isLocked({ status, resources = [] }) {
  return status === 423 || status === 424 || (status === 207 && resources.some((one) => / \| 42[34]/.test(one)));
}

/** What in a request may be a reason to refuse it, beside what its target is. */
function reasons({ fields, condition, content, destination, hasSlash }) {
  const conditional = fields.filter(([name]) => name.startsWith('If-')).length + (condition.length > 0 ? 1 : 0);
  const isBroken = content.endsWith('<propfind xmlns="DAV:">') || content.includes('<nothing/>');
  return (
    1 +
    conditional +
    (isBroken ? 1 : 0) +
    (destination === undefined ? 0 : 1) +
    (hasSlash ? 1 : 0) +
    fields.filter(([name]) => name === 'Depth').length
  );
}
