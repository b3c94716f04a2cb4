import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { bin, run, site, start } from './command.ts';

const text = 'body { margin: 0 }\n'.repeat(500);

function folder(): string {
  const made = site({
    'a.css': text,
    'deep/b.html': text,
    'tiny.css': 'a{}',
    'photo.png': text,
    '.hidden/c.css': text,
  });
  onTestFinished(() => made.remove());
  return made.path;
}

test('writes forms beside the files that are worth it, which the server then sends', async () => {
  const path = folder();
  const { code, stdout } = await run(['compress', path]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\d made, 0 up to date \(\.br, \.gz/);
  expect(brotliDecompressSync(readFileSync(join(path, 'a.css.br'))).toString()).toBe(text);
  expect(gunzipSync(readFileSync(join(path, 'deep/b.html.gz'))).toString()).toBe(text);
  const names = readdirSync(path).filter((name) => !name.endsWith('.zst'));
  expect(names.toSorted()).toEqual(['.hidden', 'a.css', 'a.css.br', 'a.css.gz', 'deep', 'photo.png', 'tiny.css']);
  expect(readdirSync(join(path, '.hidden'))).toEqual(['c.css']);
  const server = await start([path, '--no-compression']);
  onTestFinished(async () => void (await server.stop()));
  const response = await server.fetch('/a.css', { headers: { 'accept-encoding': 'br' } });
  expect([response.headers.get('content-encoding'), await response.text()]).toEqual(['br', text]);
});

test('makes again only what is older than its source', async () => {
  const path = folder();
  const made = /^(\d) made/.exec((await run(['compress', path])).stdout)?.[1];
  const before = statSync(join(path, 'deep/b.html.br')).ino;
  writeFileSync(join(path, 'a.css'), `${text}p { color: red }`);
  utimesSync(join(path, 'a.css'), new Date(Date.now() + 5000), new Date(Date.now() + 5000));
  const { stdout } = await run(['compress', path]);
  const half = Number(made) / 2;
  expect(stdout).toMatch(new RegExp(`^${half} made, ${half} up to date`));
  expect(statSync(join(path, 'deep/b.html.br')).ino).toBe(before);
  expect(brotliDecompressSync(readFileSync(join(path, 'a.css.br'))).toString()).toContain('color: red');
});

test('makes again what is of another source, also where that was written before', async () => {
  const path = folder();
  const [file, copied] = [join(path, 'a.css'), `${text}p { color: red }`];
  const [first, second] = [20_000, 10_000].map((ago) => new Date(Date.now() - ago));
  utimesSync(file, first ?? 0, first ?? 0);
  await run(['compress', path]);
  expect((await run(['compress', path])).stdout).toMatch(/^0 made/);
  // A copy that keeps times, or what was written while the form was made.
  writeFileSync(file, copied);
  utimesSync(file, second ?? 0, second ?? 0);
  const server = await start([path, '--no-compression']);
  onTestFinished(async () => void (await server.stop()));
  const ask = async (): Promise<string> =>
    (await server.fetch('/a.css', { headers: { 'accept-encoding': 'br' } })).text();
  expect(await ask()).toBe(copied);
  await run(['compress', path]);
  expect(brotliDecompressSync(readFileSync(`${file}.br`)).toString()).toBe(copied);
});

test('keeps no form that saves nothing', async () => {
  const path = folder();
  writeFileSync(join(path, 'random.txt'), await randomText());
  await run(['compress', path]);
  expect(existsSync(join(path, 'random.txt.gz'))).toBe(false);
});

async function randomText(): Promise<Buffer> {
  const { randomBytes } = await import('node:crypto');
  return randomBytes(8192);
}

test('says what is not there, or no directory', async () => {
  const { code, stderr } = await run(['compress', '/nonexistent']);
  expect([code, stderr]).toEqual([2, 'Error: the directory /nonexistent does not exist\n']);
  const file = join(folder(), 'a.css');
  expect((await run(['compress', file])).stderr).toBe(`Error: ${file} is not a directory\n`);
});

test('writes where it was told to: by a word, by --root or by the configuration, and nowhere else', async () => {
  const path = folder();
  for (const [words, config] of [
    [['deep'], '{}'],
    [['-d', 'deep'], '{}'],
    [[], '{ "root": "deep" }'],
    [['deep'], '{ "root": "..", "cgiBin": "." }'],
  ] as const) {
    writeFileSync(join(path, 'onezero.config.json'), config);
    const { code, stdout } = await run(['compress', ...words], { cwd: path });
    expect([code, stdout.slice(2, 6), existsSync(join(path, 'a.css.gz'))]).toEqual([0, 'made', false]);
    expect(existsSync(join(path, 'deep/b.html.gz'))).toBe(true);
    rmSync(join(path, 'deep/b.html.gz'));
  }
  const refused = await run(['compress', 'deep', '--brotli'], { cwd: path });
  expect([refused.code, refused.stderr.split('\n')[0]]).toEqual([
    2,
    'Error: compress takes a directory and no --brotli; it makes every form',
  ]);
});

test.skipIf(process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).error !== undefined)(
  'goes on behind a folder that it may not read, and says so',
  () => {
    const path = folder();
    for (const name of ['.', 'deep']) chmodSync(join(path, name), 0o777);
    mkdirSync(join(path, 'bolted'), { mode: 0 });
    const words = [process.execPath, bin, 'compress', path];
    const isRoot = process.getuid?.() === 0;
    const asOther = isRoot ? ['setpriv', '--reuid=61234', '--regid=61234', '--clear-groups', ...words] : words;
    const { status, stdout, stderr } = spawnSync(asOther[0] ?? '', asOther.slice(1), { encoding: 'utf8' });
    expect(stderr).toBe(
      `Error: ${join(path, 'bolted')}: EACCES: permission denied, scandir '${join(path, 'bolted')}'\n`,
    );
    expect([status, stdout.slice(2, 6)]).toEqual([1, 'made']);
    expect(existsSync(join(path, 'deep/b.html.br'))).toBe(true);
  },
);
