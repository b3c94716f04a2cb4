// The clients of the soak, by what they ask for. The names are the rows of the report.

import { requestBytes, sendBytes } from '../../differential/client.mjs';
import { drive } from './drive.mjs';
import { hasPhp } from './site.mjs';
import { asks, breaksOff, echoes, isStatus, orHarmed, posts, readsSlowly, sizes } from './tempers.mjs';
import { echoMessages } from './web-socket.mjs';

/** Name to client: files, scripts, WSGI. */
const plain = {
  'a small file': asks({ target: '/small.txt' }, isStatus(200)),
  'a large file': asks({ target: '/large.bin' }, isStatus(200)),
  'a range': asks({ target: '/large.bin', fields: [['Range', 'bytes=5-99999']] }, isStatus(206)),
  'text, compressed': asks({ target: '/text.txt', fields: [['Accept-Encoding', 'gzip']] }, isStatus(200)),
  'a listing': asks({ target: '/many/' }, isStatus(200)),
  'a missing path': asks((random) => ({ target: `/none-${random.string(8)}` }), isStatus(404)),
  'a malformed request': asks({ target: '/%zz' }, isStatus(400)),
  'a script': asks({ target: '/cgi-bin/hello.sh' }, orHarmed(isStatus(200))),
  'a slow script': asks({ target: '/cgi-bin/slow.sh' }, orHarmed(isStatus(200))),
  'an upload to a script': posts('/cgi-bin/echo.sh', orHarmed(echoes)),
  'an upload to a script that does not read': posts('/cgi-bin/ignore.sh', orHarmed(isStatus(200))),
  'a script that kills itself': asks({ target: '/cgi-bin/killed.sh' }, ({ status, isWhole }) =>
    status >= 500 || !isWhole ? 'right' : `${status}, whole`,
  ),
  'a script with children': asks({ target: '/cgi-bin/child.sh' }, orHarmed(isStatus(200))),
  'a script with words on standard error': asks({ target: '/cgi-bin/noisy.sh' }, orHarmed(isStatus(200))),
  'a script without a header': asks({ target: '/cgi-bin/nonsense.sh' }, isStatus(500, 502, 503)),
  Python: asks({ target: '/python/' }, orHarmed(isStatus(200))),
  'an upload to Python': posts('/python/', orHarmed(sizes)),
  'an exception in Python': asks({ target: '/python/raise' }, isStatus(500, 502, 503)),
  'a large answer of Python': asks({ target: '/python/large' }, orHarmed(isStatus(200))),
  'a PUT': asks(
    (random) => {
      const content = Buffer.alloc(random.length(200_000), 'p');
      const target = `/put/${random.int(0, 9)}.bin`;
      return { method: 'PUT', target, fields: [['Content-Length', content.length]], content };
    },
    isStatus(201, 204),
  ),
  'a DELETE': asks((random) => ({ method: 'DELETE', target: `/put/${random.int(0, 9)}.bin` }), isStatus(204, 404)),
  'a PUT broken off': breaksOff('PUT', '/put/broken.bin'),
  'an upload to a script broken off': breaksOff('POST', '/cgi-bin/echo.sh'),
  'an upload that no script reads broken off': breaksOff('POST', '/cgi-bin/ignore.sh'),
  'an upload to Python broken off': breaksOff('POST', '/python/'),
  'a slow reader of a file': readsSlowly('/large.bin'),
  'a slow reader of a script': readsSlowly('/cgi-bin/large.sh'),
  'a slow reader of Python': readsSlowly('/python/large'),
  'a slow reader of a listing': readsSlowly('/many/'),
};

/** A WebSocket that echoes random messages; every third is left in the middle. */
const webSocket = (target) => async (port, random) => {
  const messages = Array.from({ length: random.int(0, 12) }, () => Buffer.alloc(random.length(70_000), 'm'));
  const seen = await echoMessages(port, target, messages, random.chance(0.3) ? random.int(0, 12) : undefined);
  return /^(?:0|50[023]), /.test(seen) ? 'harmed' : seen;
};

/** Several requests at once on one connection, which the last of them ends. */
const pipelines = async (port, random) => {
  const count = random.int(2, 20);
  const targets = Array.from({ length: count }, () => `/many/${random.int(0, 299)}.txt`);
  const pieces = targets.map((target, index) =>
    requestBytes({ target, fields: [['Connection', index === count - 1 ? 'close' : 'keep-alive']] }),
  );
  const { bytes, ending } = await sendBytes(port, [Buffer.concat(pieces)]);
  const answers = bytes.toString('latin1').split('HTTP/1.1 200 OK').length - 1;
  return answers === count ? 'right' : `0, whole: false, ${answers} of ${count} answers, then ${ending}`;
};

/** ASGI, a proxied upstream, kept connections. */
const applications = {
  'requests on a kept connection': pipelines,
  'an event loop': asks({ target: '/loop/' }, orHarmed(isStatus(200))),
  'an upload to an event loop': posts('/loop/', orHarmed(sizes)),
  'an exception in an event loop': asks({ target: '/loop/raise' }, isStatus(500, 502, 503)),
  'an upload to an event loop broken off': breaksOff('POST', '/loop/'),
  'a slow reader of an event loop': readsSlowly('/loop/large'),
  'a WebSocket of an event loop': webSocket('/loop/'),
  'an upstream': asks({ target: '/up/' }, isStatus(200)),
  'an upload to an upstream': posts('/up/', sizes),
  'an upload to an upstream broken off': breaksOff('POST', '/up/'),
  'a slow reader of an upstream': readsSlowly('/up/large'),
  'a listener to events of an upstream': readsSlowly('/up/events'),
  'a WebSocket of an upstream': webSocket('/up/'),
};

/** PHP by FastCGI. */
const php = {
  PHP: asks({ target: '/php/page.php' }, orHarmed(isStatus(200))),
  'an upload to PHP': posts('/php/size.php', orHarmed(sizes)),
  'a fatal error in PHP': asks({ target: '/php/fatal.php' }, isStatus(500, 502, 503)),
  'an upload to PHP broken off': breaksOff('POST', '/php/size.php'),
  'a slow reader of PHP': readsSlowly('/php/large.php'),
};

/** Name to client. */
export const clients = { ...plain, ...applications, ...drive, ...(hasPhp && php) };
