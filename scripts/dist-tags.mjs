// Makes the registry's dist-tags say what RELEASING.md promises, after `changeset publish`.
//
// A prerelease is found under its channel, and under `latest` for as long as a package has no stable version. Changesets
// alone does not get there: it moves only `latest` for the second version of a first channel, and never again after that.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '..', 'packages');
const npm = (...parameters) => execFileSync('npm', parameters, { encoding: 'utf8' });

for (const folder of readdirSync(packages)) {
  const { name, version } = JSON.parse(readFileSync(join(packages, folder, 'package.json'), 'utf8'));
  const published = JSON.parse(npm('view', name, 'versions', 'dist-tags', '--json', '--prefer-online'));
  const versions = [published.versions].flat();
  if (!versions.includes(version)) throw new Error(`${name}@${version} has not been published`);
  const channel = /-([a-z]+)\./.exec(version)?.[1];
  const hasStable = versions.some((candidate) => !candidate.includes('-'));
  const tags = channel === undefined ? ['latest'] : hasStable ? [channel] : [channel, 'latest'];
  for (const tag of tags) {
    if (published['dist-tags'][tag] === version) continue;
    npm('dist-tag', 'add', `${name}@${version}`, tag);
    console.log(`${name}: ${tag} is now ${version}`);
  }
}
