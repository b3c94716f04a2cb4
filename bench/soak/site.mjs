// What the soak serves: a root that may be written, also as a drive, scripts of every temper, Python of both kinds, PHP, and
// an upstream.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isInstalled } from '../../differential/peers.mjs';
import { PHP_CHILDREN } from './holdings.mjs';

const SCRIPTS = {
  'hello.sh': `printf 'Content-Type: text/plain\\n\\nhello\\n'`,
  'echo.sh': `printf 'Content-Type: text/plain\\n\\n'; cat`,
  'ignore.sh': `printf 'Content-Type: text/plain\\n\\nnot read\\n'`,
  'large.sh': `printf 'Content-Type: text/plain\\n\\n'; head -c 3000000 /dev/zero`,
  'slow.sh': `printf 'Content-Type: text/plain\\n\\n'; for n in 1 2 3; do echo $n; sleep 0.05; done`,
  'killed.sh': `printf 'Content-Type: text/plain\\n\\nhalf'; kill -9 $$`,
  'child.sh': `sleep 1000 & printf 'Content-Type: text/plain\\n\\nchild\\n'; kill $!; exec sleep 0.01`,
  'noisy.sh': `printf 'Content-Type: text/plain\\n\\nnoisy\\n'; echo a word on standard error >&2`,
  'nonsense.sh': `echo this is no header`,
};

const APPLICATION = `
import os, signal

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/die":
        os.kill(os.getpid(), signal.SIGKILL)
    if path == "/raise":
        raise RuntimeError("on purpose")
    if path == "/large":
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return (b"x" * 65536 for _ in range(48))
    content = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(content)).encode()]
`;

const LOOP = `
import os, signal

async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})
    if scope["type"] != "http":
        return
    if scope["path"].endswith("/die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if scope["path"].endswith("/raise"):
        raise RuntimeError("on purpose")
    size, more = 0, True
    while more:
        event = await receive()
        size, more = size + len(event.get("body", b"")), event.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    if scope["path"].endswith("/large"):
        for _ in range(48):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": str(size).encode()})
`;

const PHP = {
  'page.php': `<?php echo 'page'; error_log('a word');`,
  'size.php': `<?php echo strlen(file_get_contents('php://input'));`,
  'large.php': `<?php for ($n = 0; $n < 48; $n++) echo str_repeat('x', 65536);`,
  'fatal.php': `<?php header('X-Soak: 1'); not_there();`,
};

/** Whether there is a PHP to run. */
export const hasPhp = isInstalled('php-cgi') || isInstalled('php-fpm8.2');

/** Makes the folders; `{ path, root, temporary, config, remove() }`. `upstream` is what `/up` is passed on to. */
export function makeSite(upstream) {
  const path = mkdtempSync(join(tmpdir(), 'onezero-soak-'));
  const [root, scripts, pages, temporary] = ['root', 'cgi-bin', 'php', 'tmp'].map((name) => join(path, name));
  for (const folder of [join(root, 'many'), join(root, 'put'), join(root, 'dav'), scripts, pages, temporary]) {
    mkdirSync(folder, { recursive: true });
  }
  // A PHP that somebody else runs is asked as another user.
  for (const folder of [path, pages]) chmodSync(folder, 0o755);
  writeFileSync(join(root, 'small.txt'), 'small\n');
  writeFileSync(join(root, 'text.txt'), 'a line of text\n'.repeat(2000));
  writeFileSync(join(root, 'large.bin'), Buffer.alloc(3_000_000, 'large'));
  for (let number = 0; number < 300; number++) writeFileSync(join(root, 'many', `${number}.txt`), String(number));
  for (const [name, text] of Object.entries(SCRIPTS)) {
    writeFileSync(join(scripts, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  for (const [name, text] of Object.entries(PHP)) writeFileSync(join(pages, name), text);
  writeFileSync(join(path, 'application.py'), APPLICATION);
  writeFileSync(join(path, 'loop.py'), LOOP);
  const config = join(path, 'onezero.json');
  const python = '/usr/bin/python3';
  const common = { cwd: path, python };
  const configuration = {
    root,
    writable: true,
    webdav: '/drive',
    cgi: [{ path: '/cgi-bin', directory: scripts }],
    wsgi: [{ path: '/python', application: 'application', processes: 2, threads: 2, ...common }],
    asgi: [{ path: '/loop', application: 'loop', processes: 1, ...common }],
    proxy: [{ path: '/up', target: upstream }],
    ...(hasPhp && { php: { path: '/php', root: pages, children: PHP_CHILDREN } }),
  };
  writeFileSync(config, JSON.stringify(configuration));
  return { path, root, temporary, config, remove: () => rmSync(path, { recursive: true, force: true }) };
}
