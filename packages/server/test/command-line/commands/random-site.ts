// A random site on disk with a random configuration, and random requests for it. All from one seed.

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Repeatable choices (mulberry32). */
export class Choices {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)] as Value;
  }

  /** True once in so many times. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  some<Value>(values: readonly Value[], times = 2): Value[] {
    return values.filter(() => this.once(times));
  }
}

const NAMES = ['a.txt', 'b.html', 'c.sh', 'd.cgi', 'index.html', 'index.sh', 'e', '.hid', '.f.sh', 'g h.txt', 'ü.txt'];
const MORE_NAMES = ['b.html.gz', 'x.tar.gz', 'plain.sh', '404.html', 'about.html', 'i.HTML', 'run.SH', '%41.txt', 'ä'];
const FOLDERS = ['sub', 'sub/deep', '.well-known', '.git', 'cgi-bin', 'e x', 'about', 'sub/node_modules', 'm'];
const METHODS = [
  'GET',
  'GET',
  'GET',
  'GET',
  'GET',
  'HEAD',
  'HEAD',
  'POST',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PROPFIND',
  'FOO',
];
const HOSTS = ['localhost', '127.0.0.1', 'one.test', 'two.test', 'evil.test'];

export interface RandomRequest {
  readonly method: string;
  readonly host: string;
  /** As it is sent, raw. */
  readonly target: string;
}

/** A folder of its own, removed by `remove`. */
export class RandomSite {
  readonly path: string;
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly #choices: Choices;
  /** Paths below the folders that are served, without a slash in front. */
  readonly #paths: string[] = [''];

  constructor(seed: number) {
    this.#choices = new Choices(seed);
    this.path = realpathSync(mkdtempSync(join(tmpdir(), 'onezero-explain-')));
    for (const root of ['www', 'bin', 'other']) this.#fill(root);
    for (const folder of ['www/cgi-bin', 'www/sub']) mkdirSync(join(this.path, folder), { recursive: true });
    writeFileSync(join(this.path, 'secret.txt'), 'secret\n');
    this.#link();
    this.configuration = this.#configure();
    writeFileSync(join(this.path, 'site.json'), JSON.stringify(this.configuration));
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }

  #fill(root: string): void {
    const choices = this.#choices;
    mkdirSync(join(this.path, root));
    for (const folder of ['', ...choices.some(FOLDERS)]) {
      if (folder !== '') this.#paths.push(folder);
      for (const name of [...choices.some(NAMES, 3), ...choices.some(MORE_NAMES, 5)]) {
        this.#file(join(root, folder, name));
        this.#paths.push(join(folder, name));
      }
      mkdirSync(join(this.path, root, folder), { recursive: true });
    }
  }

  /** A file that says which one it is; a script that says how it was run. */
  #file(path: string): void {
    const whole = join(this.path, path);
    const isScript = /\.(?:sh|cgi)$/i.test(path) || this.#choices.once(6);
    const script = `#!/bin/sh\nprintf 'Content-Type: text/plain\\nX-Ran: yes\\n\\n%s\\n%s\\n%s\\n' '${whole}' "$SCRIPT_NAME" "$PATH_INFO"\n`;
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, isScript ? script : `${whole}\n`.repeat(this.#choices.pick([1, 1, 100])));
    chmodSync(whole, isScript && !this.#choices.once(5) ? 0o755 : 0o644);
  }

  #link(): void {
    const choices = this.#choices;
    const targets = [
      'a.txt',
      '../secret.txt',
      'sub',
      '../other',
      'nowhere',
      'loop',
      'c.sh',
      '../bin/c.sh',
      '/etc/hostname',
      '.',
    ];
    for (const [at, target] of choices.some(targets).entries()) {
      const name = `link${at}${choices.pick(['', '.txt', '.sh'])}`;
      symlinkSync(target, join(this.path, choices.pick(['www', 'bin']), name));
      this.#paths.push(name, join(name, 'a.txt'));
    }
  }

  #configure(): Record<string, unknown> {
    const choices = this.#choices;
    const files = this.#fileOptions();
    const scripts = this.#scriptOptions();
    if (choices.once(4)) {
      const first = { host: choices.pick(['one.test', '*.test']), root: './www', ...files, ...scripts };
      const second = { path: choices.pick(['/m', '/', '/sub']), root: './other', ...this.#fileOptions() };
      return { sites: [first, second], hosts: ['*'] };
    }
    const root = choices.once(6) ? './www/sub' : './www';
    return { root, ...files, ...scripts, ...(choices.once(3) && { hosts: choices.pick([['*'], ['one.test']]) }) };
  }

  #fileOptions(): Record<string, unknown> {
    const choices = this.#choices;
    return {
      dotfiles: choices.pick(['deny', 'deny', 'allow']),
      symlinks: choices.pick(['inside', 'inside', 'deny', 'all']),
      cleanUrls: choices.pick([false, false, true, 'redirect']),
      listing: !choices.once(4),
      statusPages: choices.once(2),
      ...(choices.once(3) && { hide: choices.some(['*.txt', 'sub/**', '**/e', '/m', '*.html', '**/deep/*']) }),
      ...(choices.once(4) && {
        index: choices.pick([['index.sh', 'index.html'], ['b.html'], ['a.txt', 'index.html']]),
      }),
      ...(choices.once(5) && { fallback: true }),
      ...(choices.once(5) && {
        redirects: [
          { from: '/a.txt', to: '/b.html' },
          { from: '/sub/*', to: '/e x/*' },
        ],
      }),
    };
  }

  #scriptOptions(): Record<string, unknown> {
    const choices = this.#choices;
    const mounts: Record<string, unknown>[] = [];
    if (choices.once(2))
      mounts.push({ extensions: choices.pick([{ '.sh': null }, { '.sh': '/bin/sh' }, { '.cgi': null, '.sh': null }]) });
    if (choices.once(4)) mounts.push({ path: choices.pick(['/run', '/sub', '/m/x']), directory: './bin' });
    if (choices.once(6)) mounts.push({ path: '/one', script: './bin/c.sh' });
    if (mounts.some(({ script }) => script !== undefined)) this.#file('bin/c.sh');
    this.#paths.push('run/c.sh', 'one', 'one/more', 'cgi-bin/c.sh/more');
    return {
      ...(choices.once(3) && { cgiBin: choices.pick(['./bin', './www/cgi-bin', './www/sub']) }),
      ...(mounts.length > 0 && { cgi: mounts }),
    };
  }

  /** A request for something that is there, or nearly. */
  request(): RandomRequest {
    const choices = this.#choices;
    let path = choices.pick(this.#paths).split('/').map(encodeURIComponent).join('/');
    path = `${choices.pick(['', '', '', 'cgi-bin/', 'm/', 'run/', 'sub/'])}${path}`;
    if (choices.once(8)) path = path.replace(/\.\w+$/, '');
    if (choices.once(8)) path = path.replace('/', choices.pick(['//', '/./', '/x/../', '%2F', '/%2e%2e/', '/../']));
    if (choices.once(10)) path = path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
    if (choices.once(12)) path = path.toUpperCase();
    path += choices.pick(['', '', '', '', '/', '/more', '/more/../', '.html', '%00', '?q=1', '/?x']);
    return { method: choices.pick(METHODS), host: choices.pick(HOSTS), target: `/${path}` };
  }
}
