import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { bin: { onezero: string } };
const command = join(folder, manifest.bin.onezero);
const site = mkdtempSync(join(tmpdir(), 'onezero-command-'));
writeFileSync(join(site, 'index.html'), '<!doctype html><title>Here</title>\n');
afterAll(() => rmSync(site, { recursive: true }));

/** Runs the command to its end. */
async function run(...words: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [command, ...words], { cwd: site });
  const printed = { stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => (printed.stdout += String(data)));
  child.stderr.on('data', (data: Buffer) => (printed.stderr += String(data)));
  const [code] = await once(child, 'close');
  return { code, ...printed };
}

describe('onezero', () => {
  test('is the command of the server', async () => {
    const server = createRequire(import.meta.url)('@onezero/server/package.json') as { version: string };
    expect(await run('--version')).toEqual({ code: 0, stdout: `${server.version}\n`, stderr: '' });
    expect(await run('--prot', '8080')).toMatchObject({ code: 2, stderr: expect.stringContaining('--port') });
  });

  test('says which Node it needs on one that is too old', () => {
    const old = 'data:text/javascript,process.getBuiltinModule = undefined';
    for (const path of [command, join(folder, '../server/bin/onezero.js')]) {
      const { status, stderr } = spawnSync(process.execPath, ['--import', old, path, '--version'], {
        encoding: 'utf8',
      });
      expect([status, stderr]).toEqual([1, `Error: onezero needs Node 20.19 or newer; this is ${process.version}\n`]);
    }
  });

  test.each([[[]], [['--workers', '2']]])('serves a folder until it is told to stop, with %j', async (flags) => {
    const words = [command, '.', '--json', '--port', '0', '--host', '127.0.0.1', ...flags];
    const child = spawn(process.execPath, words, { cwd: site, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const { url } = JSON.parse(line) as { url: string };
    expect(await (await fetch(url)).text()).toContain('<title>Here</title>');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
