// Publishes packed packages that the registry does not have yet, each under the dist-tag of its channel, and prints the git
// tag of each version on a line of its own. It needs nothing but npm, so that the job with the right to publish installs
// nothing.
//
//   node scripts/publish-tarballs.mjs FOLDER [npm publish options]...
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...options] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: publish-tarballs.mjs FOLDER [npm publish options]...');

/** The manifest inside a tarball. */
function manifestOf(tarball) {
  return JSON.parse(execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }));
}

function isPublished(name, version) {
  const { status, stdout } = spawnSync('npm', ['view', `${name}@${version}`, 'version', '--prefer-online'], {
    encoding: 'utf8',
  });
  return status === 0 && stdout.trim() === version;
}

for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
  const tarball = join(folder, file);
  const { name, version } = manifestOf(tarball);
  if (!isPublished(name, version)) {
    const channel = /-([a-z]+)\./.exec(version)?.[1] ?? 'latest';
    const words = ['publish', tarball, '--access', 'public', '--tag', channel, ...options];
    execFileSync('npm', words, { stdio: ['ignore', process.stderr, 'inherit'] });
  }
  console.log(`${name}@${version}`);
}
