// Several certificates in one server, seen by OpenSSL's own client.

import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { run, site, start, type Started } from '../command.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const place = site({ 'www/index.html': 'main', 'other/index.html': 'other' });
const at = (name: string): string => join(place.path, name);
const started: Started[] = [];

/** A certificate `name.pem` with `name.key`, made out to these hosts; the subject tells which it is. */
function make(name: string, ...hosts: readonly string[]): void {
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = hosts.length === 0 ? [] : ['-addext', `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}`];
  const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, '-subj', `/CN=${name}`, ...names], { stdio: 'ignore' });
}

/** Puts a certificate where the server looks, key last as some programs do. */
function install(name: string, cert: string, key: string): void {
  copyFileSync(at(`${name}.pem`), at(cert));
  copyFileSync(at(`${name}.key`), at(key));
}

/** The subject of the certificate that a client gets which asks for a host. */
async function subject({ port }: Started, host?: string): Promise<string | undefined> {
  const name = host === undefined ? ['-noservername'] : ['-servername', host];
  const client = promisify(execFile)('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...name]);
  client.child.stdin?.end();
  const { stdout } = await client;
  return /^subject=CN ?= ?(\S+)/m.exec(stdout)?.[1];
}

/** What workers answer, each of which may be asked next. */
async function subjects(server: Started, host: string): Promise<ReadonlySet<string | undefined>> {
  const seen = new Set<string | undefined>();
  for (let count = 0; count < 6; count++) seen.add(await subject(server, host));
  return seen;
}

async function serve(words: readonly string[]): Promise<Started> {
  const server = await start([...words, '-q'], { cwd: place.path });
  started.push(server);
  return server;
}

function configure(): void {
  const config = {
    root: 'www',
    tlsCert: 'live-default.pem',
    tlsKey: 'live-default.key',
    sites: [{ host: 'site.example', root: 'other', tlsCert: 'live-site.pem', tlsKey: 'live-site.key' }],
    certificates: [{ cert: 'live-wild.pem', key: 'live-wild.key' }],
  };
  writeFileSync(at('onezero.config.json'), JSON.stringify(config));
  for (const name of ['default', 'site', 'wild']) install(name, `live-${name}.pem`, `live-${name}.key`);
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});
afterAll(() => place.remove());

describe.skipIf(!hasOpenssl && process.env['CI'] === undefined)('several certificates', () => {
  beforeAll(() => {
    make('default', 'default.example', 'in.wild.example');
    make('site');
    make('wild', 'wild.example', '*.wild.example');
    make('renewed', 'wild.example', '*.wild.example', 'new.example');
  });

  test('are chosen by the name that a client asks for', async () => {
    configure();
    const server = await serve([]);
    const asked = ['site.example', 'SITE.Example', 'wild.example', 'a.wild.example', 'a.b.wild.example'];
    const found = await Promise.all(asked.map((host) => subject(server, host)));
    expect(found).toEqual(['site', 'site', 'wild', 'wild', 'wild']);
    const others = ['default.example', 'in.wild.example', 'nobody.example', 'example', undefined];
    const rest = await Promise.all(others.map((host) => subject(server, host)));
    expect(rest).toEqual(others.map(() => 'default'));
  });

  test('are renewed each alone, and one that breaks takes nothing from the others', async () => {
    configure();
    // Each worker looks for itself; the tests around this one have one process.
    const server = await serve(['--workers', '2']);
    install('renewed', 'live-wild.pem', 'live-wild.key');
    await vi.waitFor(
      async () => expect(await subjects(server, 'a.wild.example')).toEqual(new Set(['renewed'])),
      120_000,
    );
    expect(await subjects(server, 'new.example')).toEqual(new Set(['renewed']));
    expect(await subjects(server, 'site.example')).toEqual(new Set(['site']));
    writeFileSync(at('live-default.pem'), 'nonsense');
    rmSync(at('live-site.key'));
    await vi.waitFor(() => {
      const kept = server.output.stderr.match(/Error: the old certificate stays in use: .*/g)?.join() ?? '';
      expect(kept).toMatch(/live-default\.pem/);
      expect(kept).toMatch(/live-site\.key/);
    }, 120_000);
    // Neither a look nor a reload takes away what cannot be replaced.
    server.child.kill('SIGHUP');
    await vi.waitFor(() => expect(server.output.stderr).toMatch(/live-default[^]*live-default/), 120_000);
    for (const name of ['default', 'site']) expect(await subjects(server, `${name}.example`)).toEqual(new Set([name]));
    expect(await subjects(server, 'wild.example')).toEqual(new Set(['renewed']));
  });

  test('do without one that is not there, and take it up when it comes', async () => {
    configure();
    rmSync(at('live-site.pem'));
    const checked = await run(['check'], { cwd: place.path });
    expect(checked).toMatchObject({ code: 2, stderr: expect.stringContaining('live-site.pem') as string });
    const server = await serve([]);
    expect(server.output.stderr).toMatch(/Error: the default certificate is used in its place: .*live-site\.pem/);
    expect(await subject(server, 'site.example')).toBe('default');
    expect(await subject(server, 'wild.example')).toBe('wild');
    copyFileSync(at('site.pem'), at('coming.pem'));
    renameSync(at('coming.pem'), at('live-site.pem'));
    await vi.waitFor(async () => expect(await subject(server, 'site.example')).toBe('site'), 120_000);
  });

  test('end the start when none is good', async () => {
    configure();
    for (const name of ['default', 'site', 'wild']) writeFileSync(at(`live-${name}.pem`), 'nonsense');
    await expect(start([], { cwd: place.path })).rejects.toThrow(/^ended with 1: .*cannot use the certificate/);
  });

  test('come from flags: pairs of files, and folders as certbot keeps them', async () => {
    rmSync(at('onezero.config.json'), { force: true });
    mkdirSync(at('live/wild.example'), { recursive: true });
    install('wild', 'live/wild.example/fullchain.pem', 'live/wild.example/privkey.pem');
    const server = await serve(['www', '--certificate', 'site.pem,site.key', '--certificate', 'live/wild.example']);
    expect(server.url).toMatch(/^https:/);
    expect(await subject(server, 'a.wild.example')).toBe('wild');
    expect(await subject(server, 'nobody.example')).toBe('site');
  });
});
