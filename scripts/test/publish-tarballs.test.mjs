// What the job with the right to publish takes from the one that ran programs of others, with an npm that only writes down what it
// is asked.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const SCRIPT = join(import.meta.dirname, '../publish-tarballs.mjs');
const COMMITTED = [
  { name: '@onezero/a', version: '1.0.0-alpha.1', publishConfig: { access: 'public' } },
  { name: 'b', version: '1.2.0', publishConfig: { access: 'public' } },
];

/** What comes of tarballs with these manifests: the status, what was printed, what npm was asked. */
function publish(...packed) {
  const place = mkdtempSync(join(tmpdir(), 'onezero-publish-'));
  try {
    for (const [index, manifest] of COMMITTED.entries()) write(join(place, 'packages', String(index)), manifest);
    mkdirSync(join(place, 'tarballs'));
    for (const [index, manifest] of packed.entries()) {
      write(join(place, 'packed', String(index), 'package'), manifest);
      const words = [
        '-czf',
        join(place, 'tarballs', `${index}.tgz`),
        '-C',
        join(place, 'packed', String(index)),
        'package',
      ];
      execFileSync('tar', words);
    }
    mkdirSync(join(place, 'bin'));
    const npm = `#!/bin/sh\necho "$*" >>'${place}/asked'\n[ "$1" = publish ] || exit 1\n`;
    writeFileSync(join(place, 'bin/npm'), npm, { mode: 0o755 });
    writeFileSync(join(place, 'asked'), '');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [SCRIPT, join(place, 'tarballs'), join(place, 'packages'), '--provenance'],
      { encoding: 'utf8', env: { ...process.env, PATH: `${join(place, 'bin')}:${process.env.PATH}` } },
    );
    const asked = readFileSync(join(place, 'asked'), 'utf8').trim().split('\n').filter(Boolean);
    return { status, stdout, stderr, published: asked.filter((line) => line.startsWith('publish ')) };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function write(folder, manifest) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
}

await test('publishes what the commit has, each under its channel, and prints the tags', () => {
  const { status, stdout, published } = publish(...COMMITTED);
  assert.equal(status, 0);
  assert.equal(stdout, '@onezero/a@1.0.0-alpha.1\nb@1.2.0\n');
  assert.deepEqual(
    published.map((line) => line.replace(/^publish \S+/, '')),
    ['alpha', 'latest'].map((tag) => ` --access public --tag ${tag} --ignore-scripts --provenance`),
  );
});

const FAULTS = [
  {
    what: 'a name that the commit has not',
    changes: { name: '@onezero/c' },
    complaint: /no package of this commit is called @onezero\/c/,
  },
  {
    what: 'a name that npm would take for an option',
    changes: { name: '--registry=http://evil' },
    complaint: /no package of this commit is called --registry/,
  },
  { what: 'another version', changes: { version: '1.0.0' }, complaint: /@onezero\/a is 1\.0\.0-alpha\.1, not 1\.0\.0/ },
  {
    what: 'a registry of its own',
    changes: { publishConfig: { registry: 'http://evil' } },
    complaint: /publishConfig of @onezero\/a is another one/,
  },
  {
    what: 'a script that would run at installation',
    changes: { scripts: { postinstall: 'x' } },
    complaint: /would run a script at installation/,
  },
];

for (const { what, changes, complaint } of FAULTS) {
  await test(`publishes nothing at all where a tarball has ${what}`, () => {
    const { status, stderr, published } = publish(COMMITTED[1], { ...COMMITTED[0], ...changes });
    assert.equal(status, 1);
    assert.match(stderr, complaint);
    assert.deepEqual(published, []);
  });
}
