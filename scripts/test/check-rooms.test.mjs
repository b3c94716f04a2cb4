// Each fault that check-rooms.mjs looks for, made in a copy of our own sources: a check that finds nothing proves nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

/** What the check says of `package` after `lines` were added to its files; the status, and what it complains of. */
function checkWith(name, lines) {
  const folder = mkdtempSync(join(tmpdir(), 'onezero-rooms-'));
  try {
    cpSync(join(root, 'packages', name, 'src'), join(folder, name, 'src'), { recursive: true });
    for (const [file, line] of Object.entries(lines)) {
      mkdirSync(dirname(join(folder, name, 'src', file)), { recursive: true });
      appendFileSync(join(folder, name, 'src', file), `${line}\n`);
    }
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/check-rooms.mjs'), folder], {
      encoding: 'utf8',
    });
    return { status, complaints: stderr.trim().split('\n').filter(Boolean) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await test('says nothing of the sources as they are', () => {
  for (const name of ['http-parser', 'static', 'webdav', 'cgi-process', 'python', 'server']) {
    assert.deepEqual(checkWith(name, {}), { status: 0, complaints: [] });
  }
});

const UPWARD = 'static/src/http/range.ts imports files/representation.ts: files is not below http';
const SIDEWAYS = 'static/src/listing/page.ts imports writing/quota.ts: writing is not below listing';

const FAULTS = [
  {
    title: 'an import upward',
    lines: { 'http/range.ts': "import { x } from '../files/representation.ts';" },
    expected: UPWARD,
  },
  {
    title: 'an import of a type upward',
    lines: { 'http/range.ts': "import type { X } from '../files/representation.ts';" },
    expected: UPWARD,
  },
  {
    title: 'an export from above',
    lines: { 'http/range.ts': "export { x } from '../files/representation.ts';" },
    expected: UPWARD,
  },
  {
    title: 'an import upward for its effects',
    lines: { 'http/range.ts': "import '../files/representation.ts';" },
    expected: UPWARD,
  },
  {
    title: 'an import upward at run time',
    lines: { 'http/range.ts': "await import('../files/representation.ts');" },
    expected: UPWARD,
  },
  {
    title: 'an import of a room on the same level',
    lines: { 'listing/page.ts': "import { x } from '../writing/quota.ts';" },
    expected: SIDEWAYS,
  },
  {
    title: 'a room without a place',
    lines: { 'attic/old.ts': 'export {};' },
    expected: 'static/src/attic/old.ts: the room attic has no place in LEVELS',
  },
  {
    title: 'an import out of src/',
    lines: { 'index.ts': "import '../../server/src/index.ts';" },
    expected: 'static/src/index.ts imports ../../server/src/index.ts, which is not in its src/',
  },
];

for (const { title, lines, expected } of FAULTS) {
  await test(`finds ${title}`, () => {
    const { status, complaints } = checkWith('static', lines);
    assert.equal(status, 1);
    assert.ok(complaints.includes(expected), complaints.join('\n'));
  });
}

await test('finds a circle within a room, and one between rooms', () => {
  const within = checkWith('static', {
    'http/one.ts': "import { b } from './two.ts';",
    'http/two.ts': "import { a } from './one.ts';",
  });
  assert.deepEqual(within.complaints, ['static/src: a circle: http/one.ts → http/two.ts → http/one.ts']);
  // Each leads through the top of the package, which every room may import: only the circle is wrong.
  const between = checkWith('static', {
    'top.ts': "import { b } from './writing/three.ts';",
    'writing/three.ts': "import { a } from '../files/four.ts';",
    'files/four.ts': "import { c } from '../top.ts';",
  });
  assert.equal(between.status, 1);
  assert.equal(between.complaints.length, 1);
  assert.match(between.complaints[0], /a circle: .*files\/four\.ts/);
});

await test('takes a circle of types for none', () => {
  const { complaints } = checkWith('static', {
    'http/one.ts': "import type { B } from './two.ts';",
    'http/two.ts': "import type { A } from './one.ts';",
  });
  assert.deepEqual(complaints, []);
});
