// Clients of the drive: what synchronising programs and file managers ask for, on few names, so that they meet one another.

import { exchange, field } from '../../differential/client.mjs';
import { asks, breaksOff, isStatus } from './tempers.mjs';

const FOLDER = '/drive/dav';
const nameOf = (random) => `${FOLDER}/${random.int(0, 9)}`;

/** What two clients of one name may see of each other: it is gone, it is there, it is locked, its folder is not there. */
const MET = [403, 404, 405, 409, 412, 423];

const puts = asks(
  (random) => {
    const content = Buffer.alloc(random.length(100_000), 'd');
    return { method: 'PUT', target: nameOf(random), fields: [['Content-Length', content.length]], content };
  },
  isStatus(201, 204, ...MET),
);

const moves = (method) =>
  asks(
    (random) => ({
      method,
      target: nameOf(random),
      fields: [
        ['Destination', `http://localhost${nameOf(random)}`],
        ['Overwrite', random.pick(['T', 'F'])],
      ],
    }),
    isStatus(201, 204, ...MET),
  );

const xml = (method, text, ...statuses) =>
  asks(
    (random) => ({ method, target: nameOf(random), fields: [['Content-Length', text.length]], content: text }),
    isStatus(...statuses, ...MET),
  );

const PROPERTIES =
  '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><note xmlns="urn:soak">a</note></D:prop></D:set></D:propertyupdate>';
const LOCK =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';

/** Takes a lock and gives it back; one that a kill keeps from giving it back ends by itself. */
async function locks(port, random) {
  const target = nameOf(random);
  const fields = [
    ['Content-Length', LOCK.length],
    ['Timeout', 'Second-2'],
  ];
  const taken = await exchange(port, { method: 'LOCK', target, fields, content: LOCK });
  const token = field(taken, 'lock-token');
  if (token === undefined) return isStatus(...MET)(taken);
  const given = await exchange(port, { method: 'UNLOCK', target, fields: [['Lock-Token', token]] });
  return isStatus(204, ...MET)(given);
}

export const drive = {
  'a listing of a drive': asks({ method: 'PROPFIND', target: '/drive/many/', fields: [['Depth', '1']] }, isStatus(207)),
  'a look at a drive': asks({ method: 'PROPFIND', target: `${FOLDER}/`, fields: [['Depth', '1']] }, isStatus(207)),
  'a PUT to a drive': puts,
  'a COPY': moves('COPY'),
  'a MOVE': moves('MOVE'),
  'a folder of a drive': xml('MKCOL', '', 201),
  'a property': xml('PROPPATCH', PROPERTIES, 207),
  'a lock': locks,
  'a DELETE from a drive': xml('DELETE', '', 204, 207),
  'a PUT to a drive broken off': breaksOff('PUT', `${FOLDER}/broken`),
};

/** Empties the folder, waiting for the locks that killed servers took along. */
export async function emptyDrive(port) {
  const names = Array.from({ length: 10 }, (_, number) => `${FOLDER}/${number}`);
  for (const target of [...names, `${FOLDER}/broken`]) {
    let status = 423;
    for (let left = 50; status === 423 && left > 0; left--) {
      ({ status } = await exchange(port, { method: 'DELETE', target }));
      if (status === 423) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    if (status !== 204 && status !== 404) throw new Error(`${target} cannot be removed: ${status}`);
  }
}
