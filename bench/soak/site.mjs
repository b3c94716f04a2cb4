// What the soak serves: a root that may be written, scripts of every temper, and a Python application.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

/** Makes the folders; `{ path, root, temporary, words, remove() }`, the words being those of the command. */
export function makeSite() {
  const path = mkdtempSync(join(tmpdir(), 'onezero-soak-'));
  const [root, scripts, temporary] = ['root', 'cgi-bin', 'tmp'].map((name) => join(path, name));
  for (const folder of [join(root, 'many'), join(root, 'put'), scripts, temporary]) {
    mkdirSync(folder, { recursive: true });
  }
  writeFileSync(join(root, 'small.txt'), 'small\n');
  writeFileSync(join(root, 'text.txt'), 'a line of text\n'.repeat(2000));
  writeFileSync(join(root, 'large.bin'), Buffer.alloc(3_000_000, 'large'));
  for (let number = 0; number < 300; number++) writeFileSync(join(root, 'many', `${number}.txt`), String(number));
  for (const [name, text] of Object.entries(SCRIPTS)) {
    writeFileSync(join(scripts, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  writeFileSync(join(path, 'application.py'), APPLICATION);
  const config = join(path, 'onezero.json');
  const python = '/usr/bin/python3';
  const wsgi = [{ path: '/python', application: 'application', cwd: path, processes: 2, threads: 2, python }];
  writeFileSync(
    config,
    JSON.stringify({ root, wsgi, cgi: [{ path: '/cgi-bin', directory: scripts }], writable: true }),
  );
  return { path, root, temporary, config, remove: () => rmSync(path, { recursive: true, force: true }) };
}
