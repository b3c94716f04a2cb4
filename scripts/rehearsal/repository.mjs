// A throw-away clone of this repository that goes through releases with the commands of RELEASING.md.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertLoopback } from './registry.mjs';
import { run } from './run.mjs';

/** The version that must come after `version`. The counter goes on from one channel to the next. */
export function versionAfter(version, channel) {
  const [base, , counter] = version.split(/-([a-z]+)\./);
  if (channel === 'stable') return counter === undefined ? base.replace(/\d+$/, (patch) => Number(patch) + 1) : base;
  return counter === undefined ? `1.0.0-${channel}.0` : `${base}-${channel}.${Number(counter) + 1}`;
}

export class Repository {
  #root;
  #environment;

  /** Clones the last commit of `original` to `root` and installs what it needs. */
  constructor(original, root, environment) {
    this.#root = root;
    this.#environment = environment;
    run('/', process.env, 'git', 'clone', '--quiet', '--no-tags', original, root);
    this.git('config', 'user.name', 'Rehearsal');
    this.git('config', 'user.email', 'rehearsal@localhost');
    run(root, process.env, 'pnpm', 'install', '--frozen-lockfile', '--prefer-offline');
  }

  git(...parameters) {
    return run(this.#root, process.env, 'git', ...parameters);
  }

  /** The packages that are published, as `{ folder, manifest }`. */
  packages() {
    return readdirSync(join(this.#root, 'packages')).map((name) => {
      const folder = join(this.#root, 'packages', name);
      return { folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) };
    });
  }

  /** The releases that are still ahead, each by its channel. */
  releasesAhead() {
    const isFirst = this.packages().every(({ manifest }) => manifest.version === '0.0.0');
    const channel = this.#preState()?.tag ?? (isFirst ? 'alpha' : 'stable');
    return { alpha: ['alpha', 'beta', 'beta', 'stable'], beta: ['beta', 'beta', 'stable'], stable: ['stable'] }[
      channel
    ];
  }

  /** The names of the packages that no waiting changeset names. A prerelease has taken the others. */
  unnamed() {
    const taken = new Set(this.#preState()?.changesets);
    const folder = join(this.#root, '.changeset');
    const waiting = readdirSync(folder)
      .filter((file) => /^(?!README).*\.md$/.test(file) && !taken.has(file.replace(/\.md$/, '')))
      .map((file) => readFileSync(join(folder, file), 'utf8').split(/^---$/m)[1]);
    return this.packages()
      .map(({ manifest }) => manifest.name)
      .filter((name) => !waiting.some((front) => front.includes(`'${name}':`)));
  }

  /** Writes a changeset that names `names`. */
  addChangeset(title, names) {
    const file = `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.md`;
    const bumps = names.map((name) => `'${name}': patch\n`).join('');
    writeFileSync(join(this.#root, '.changeset', file), `---\n${bumps}---\n\n${title}\n`);
  }

  /** Turns the repository to the channel of its next release. */
  enterChannel(channel) {
    const state = this.#preState();
    if (channel === 'stable') {
      if (state !== undefined) run(this.#root, this.#environment, 'pnpm', 'changeset', 'pre', 'exit');
    } else if (state === undefined) run(this.#root, this.#environment, 'pnpm', 'changeset', 'pre', 'enter', channel);
    else writeFileSync(this.#preFile(), `${JSON.stringify({ ...state, tag: channel }, undefined, 2)}\n`);
  }

  /** Makes the version commit, and publishes to the registry on loopback. */
  release(message) {
    run(this.#root, this.#environment, 'pnpm', 'run', 'version');
    run(this.#root, this.#environment, 'pnpm', 'run', 'api');
    this.git('add', '.changeset', 'packages');
    this.git('commit', '--quiet', '--message', message);
    for (const key of ['registry', '@onezero:registry']) {
      const url = run(this.#root, this.#environment, 'npm', 'config', 'get', key).trim();
      if (url !== 'undefined') assertLoopback(url);
    }
    for (const { manifest } of this.packages()) {
      if (manifest.publishConfig?.registry !== undefined)
        throw new Error(`${manifest.name} names a registry of its own`);
    }
    run(this.#root, this.#environment, 'pnpm', 'run', 'release');
  }

  #preFile() {
    return join(this.#root, '.changeset', 'pre.json');
  }

  #preState() {
    return existsSync(this.#preFile()) ? JSON.parse(readFileSync(this.#preFile(), 'utf8')) : undefined;
  }
}
