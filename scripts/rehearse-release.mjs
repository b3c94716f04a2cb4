// Rehearses every release that is still ahead, alpha to stable, with the commands of RELEASING.md, and uses what came out.
//
// It works on a throw-away clone of the last commit and publishes to a registry server that it starts on loopback. After
// each release the versions, dist-tags, git tags and changelogs are checked, and each package is installed alone and used
// as its README says. Last, one package is released without the others.
//
//   node scripts/rehearse-release.mjs [--keep]     --keep leaves the clone and the registry's files for inspection
import { deepStrictEqual } from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { entriesOf, useAlone, useCommand, useContainerRecipe } from './rehearsal/consumer.mjs';
import { startRegistry } from './rehearsal/registry.mjs';
import { Repository, versionAfter } from './rehearsal/repository.mjs';
import { check, closeCounts, run } from './rehearsal/run.mjs';

/** An environment in which every package manager uses the registry on loopback and keeps its files in `place`. */
function clientEnvironment(place, registry) {
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^(npm_|pnpm_|xdg_|init_cwd$|node_path$)/i.test(key),
  );
  const settings = [
    `registry=${registry.url}`,
    `${registry.url.slice('http:'.length)}:_authToken=${registry.token}`,
    `cache=${join(place, 'npm-cache')}`,
    'noproxy=127.0.0.1',
    'audit=false',
    'fund=false',
    'update-notifier=false',
  ];
  writeFileSync(join(place, 'npmrc'), `${settings.join('\n')}\n`);
  return {
    ...Object.fromEntries(inherited),
    NPM_CONFIG_USERCONFIG: join(place, 'npmrc'),
    TURBO_TELEMETRY_DISABLED: '1',
    XDG_CACHE_HOME: join(place, 'pnpm-cache'),
    XDG_DATA_HOME: join(place, 'pnpm-data'),
  };
}

/** Checks what a release left on record for one package: version, dist-tags, changelog. */
async function checkRecord(environment, { folder, manifest }, version, tags) {
  const { name } = manifest;
  await check(`${name} is ${version}; ${Object.entries(tags).join('; ')}`, () => {
    deepStrictEqual(manifest.version, version);
    const actual = run(folder, environment, 'npm', 'view', name, 'dist-tags', '--json', '--prefer-online');
    deepStrictEqual(JSON.parse(actual), tags);
  });
  await check(`${name}: the changelog begins with ${version}`, () => {
    const [title, newest] = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8').split(/^## /m);
    deepStrictEqual(title.trim(), `# ${name}`);
    if (!newest.startsWith(`${version}\n`) || !/^- \w/m.test(newest)) throw new Error(newest);
  });
}

/** The rehearsal, from where the repository stands to a patch after the stable release. */
class Rehearsal {
  #place;
  #environment;
  #repository;
  /** The dist-tags that each package must have by now. */
  #tags = {};

  constructor(place, registry) {
    this.#place = place;
    this.#environment = clientEnvironment(place, registry);
    this.#repository = new Repository(join(import.meta.dirname, '..'), join(place, 'clone'), this.#environment);
  }

  async perform() {
    for (const [number, channel] of this.#repository.releasesAhead().entries()) {
      console.log(`\nRelease ${number + 1}: ${channel}`);
      await this.#releaseAll(number, channel);
    }
    console.log('\nOne package alone');
    await this.#releaseOne('@onezero/static');
  }

  async #releaseAll(number, channel) {
    const before = this.#versions();
    this.#repository.enterChannel(channel);
    // The repository's own changesets may name some or all; a release that leaves the channel needs none.
    const unnamed = channel === 'stable' ? [] : this.#repository.unnamed();
    if (unnamed.length > 0) this.#repository.addChangeset(`Rehearse ${number}`, unnamed);
    await this.#release(channel);
    await check('nothing is left uncommitted; the surface is on record from beta on', () => {
      deepStrictEqual(this.#repository.git('status', '--porcelain'), '');
      const declaring = this.#repository.packages().filter(({ manifest }) => entriesOf(manifest).length > 0);
      const onRecord = declaring.filter(({ folder }) => existsSync(join(folder, 'api.d.ts')));
      deepStrictEqual(onRecord.length, channel === 'alpha' ? 0 : declaring.length);
    });
    const tag = channel === 'stable' ? 'latest' : channel;
    const folder = join(this.#place, `release-${number}`);
    for (const member of this.#repository.packages()) {
      const { name } = member.manifest;
      const version = versionAfter(before[name], channel);
      this.#tags[name] = { ...this.#tags[name], [tag]: version, latest: version };
      await checkRecord(this.#environment, member, version, this.#tags[name]);
      await useAlone(member, tag, join(folder, basename(member.folder)), this.#environment);
    }
    for (const { folder: source, manifest } of this.#repository.packages()) {
      if (manifest.bin === undefined) continue;
      await useCommand(manifest.name, tag, join(folder, 'command', basename(source)), this.#environment);
    }
    const recipe = join(import.meta.dirname, '../cookbook/container');
    const version = this.#versions()['@onezero/server'];
    await useContainerRecipe(recipe, version, join(folder, 'container'), this.#environment);
  }

  /** Releases a patch of one leaf. Nothing else may move: the ranges of those that use it still hold. */
  async #releaseOne(name) {
    const before = this.#versions();
    this.#repository.addChangeset('Rehearse a patch of one package', [name]);
    await this.#release('one package');
    for (const member of this.#repository.packages()) {
      const version = before[member.manifest.name];
      const expected = member.manifest.name === name ? versionAfter(version, 'stable') : version;
      const tags = { ...this.#tags[member.manifest.name], latest: expected };
      await checkRecord(this.#environment, member, expected, tags);
    }
  }

  async #release(title) {
    const before = this.#versions();
    await check('versioned, committed and published', () => this.#repository.release(`Release ${title}`));
    await check('git tags are those of the new versions', () => {
      const moved = Object.entries(this.#versions()).filter(([name, version]) => before[name] !== version);
      const tags = this.#repository.git('tag', '--points-at', 'HEAD').trim().split('\n');
      deepStrictEqual(new Set(tags), new Set(moved.map(([name, version]) => `${name}@${version}`)));
    });
  }

  #versions() {
    return Object.fromEntries(this.#repository.packages().map(({ manifest }) => [manifest.name, manifest.version]));
  }
}

const place = mkdtempSync(join(tmpdir(), 'onezero-rehearsal-'));
process.once('exit', () => {
  if (process.argv.includes('--keep')) console.log(`kept in ${place}`);
  else rmSync(place, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const registry = await startRegistry(join(place, 'registry'));
try {
  await new Rehearsal(place, registry).perform();
} finally {
  await registry.close();
  closeCounts();
}
