// Publishes packed packages that the registry does not have yet, each under the dist-tag of its channel, and prints the git
// tag of each version on a line of its own. It needs nothing but npm, so that the job with the right to publish installs
// nothing.
//
// The tarballs come from a job that ran programs of others. So what they say of themselves is compared with the manifests of
// the commit before anything is published: a name or version that is not the commit's, a registry of their own or a script that
// would run where they are installed ends it all.
//
//   node scripts/publish-tarballs.mjs TARBALLS PACKAGES [npm publish options]...
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

const [tarballs, packages, ...options] = process.argv.slice(2);
if (packages === undefined) throw new Error('usage: publish-tarballs.mjs TARBALLS PACKAGES [npm publish options]...');

/** Scripts that npm runs for whoever installs a package. */
const AT_INSTALLATION = ['preinstall', 'install', 'postinstall', 'prepare'];

/** The manifests of the commit, by name. */
const committed = new Map(
  readdirSync(packages)
    .map((folder) => JSON.parse(readFileSync(join(packages, folder, 'package.json'), 'utf8')))
    .map((manifest) => [manifest.name, manifest]),
);

/** The manifest inside a tarball. Throws unless it is, as far as npm acts on it, the commit's. */
function manifestOf(tarball) {
  const packed = JSON.parse(execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }));
  const own = committed.get(packed.name);
  if (own === undefined) throw new Error(`${tarball}: no package of this commit is called ${packed.name}`);
  if (own.version !== packed.version)
    throw new Error(`${tarball}: ${own.name} is ${own.version}, not ${packed.version}`);
  if (!isDeepStrictEqual(own.publishConfig, packed.publishConfig))
    throw new Error(`${tarball}: publishConfig of ${own.name} is another one`);
  const script = AT_INSTALLATION.find((name) => packed.scripts?.[name] !== undefined);
  if (script !== undefined) throw new Error(`${tarball}: ${own.name} would run a script at installation (${script})`);
  return { tarball, name: own.name, version: own.version };
}

function isPublished({ name, version }) {
  const { status, stdout } = spawnSync('npm', ['view', `${name}@${version}`, 'version', '--prefer-online'], {
    encoding: 'utf8',
  });
  return status === 0 && stdout.trim() === version;
}

const found = readdirSync(tarballs)
  .filter((name) => name.endsWith('.tgz'))
  .map((name) => manifestOf(join(tarballs, name)));
for (const one of found) {
  if (!isPublished(one)) {
    const channel = /-([a-z]+)\./.exec(one.version)?.[1] ?? 'latest';
    const words = ['publish', one.tarball, '--access', 'public', '--tag', channel, '--ignore-scripts', ...options];
    execFileSync('npm', words, { stdio: ['ignore', process.stderr, 'inherit'] });
  }
  console.log(`${one.name}@${one.version}`);
}
