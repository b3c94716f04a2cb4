import { createHash, scryptSync } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash } from 'bcryptjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createServer } from '@onezero/server';
import type { AuthRule } from '../../src/options.ts';
import { readCredentials } from '../../src/routing/basic-auth.ts';
import { parse, start, textResponse, type Running } from '../exchange.ts';

const sha = (password: string): string => `{SHA}${createHash('sha1').update(password).digest('base64')}`;

function scryptHash(password: string): string {
  const salt = Buffer.from('0123456789abcdef');
  const derived = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
  const text = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
  return `$scrypt$ln=10,r=8,p=1$${text(salt)}$${text(derived)}`;
}

async function serve(auth: readonly AuthRule[]): Promise<Running> {
  const running = await start({
    auth,
    routes: [
      { responder: ({ user, authType, pathInfo }) => textResponse(`${user} ${authType} ${pathInfo}`) },
      { path: '/hop', responder: () => ({ status: 200, fields: [], localRedirect: '/secret/x' }) },
    ],
  });
  onTestFinished(() => running.close());
  return running;
}

const basic = (credentials: string): string =>
  `Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
const get = (path: string, fields = '', method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

describe('Basic authentication', () => {
  test('lets in with every kind of hash', async () => {
    const dan = '$apr1$saltsalt$yAAkm4libquA.ZWLHbSBq/';
    const users = { ann: await hash('a b', 4), ben: scryptHash('b'), cid: sha('c'), déj: sha('à'), dan };
    const { exchange } = await serve([{ users }]);
    for (const credentials of ['ann:a b', 'ben:b', 'cid:c', 'déj:à', 'dan:password']) {
      const [user = ''] = credentials.split(':');
      const answer = parse(await exchange(get('/', basic(credentials))));
      expect(Buffer.from(answer.content, 'latin1').toString()).toBe(`${user} Basic /`);
      // The second time it is remembered.
      expect(parse(await exchange(get('/', basic(credentials)))).status).toBe(200);
    }
    for (const credentials of ['ann:x', 'ben:', 'nobody:c', 'cid:cc', 'cid']) {
      const refused = parse(await exchange(get('/', basic(credentials))));
      expect(refused.status).toBe(401);
      expect(refused.fields.get('www-authenticate')).toBe('Basic realm="onezero", charset="UTF-8"');
    }
  });

  test('lets a preflight pass, which never has credentials, and nothing that only looks like one', async () => {
    const { exchange } = await serve([
      { users: { ann: sha('a') } },
      { path: '/asked', methods: ['GET', 'OPTIONS'], users: { ann: sha('a') } },
    ]);
    const preflight = 'Origin: https://a.test\r\nAccess-Control-Request-Method: GET\r\n';
    const statusOf = async (path: string, fields: string, method = 'OPTIONS'): Promise<number> =>
      parse(await exchange(get(path, `Connection: close\r\n${fields}`, method))).status;
    expect(await statusOf('/', preflight)).toBe(200);
    expect(await statusOf('/', preflight.replace('Origin', 'X-Origin'))).toBe(401);
    expect(await statusOf('/', 'Origin: https://a.test\r\n')).toBe(401);
    expect(await statusOf('/', `${preflight}Content-Length: 2\r\n\r\nh`)).toBe(401);
    expect(await statusOf('/', `${preflight}Transfer-Encoding: chunked\r\n\r\n0\r\n`)).toBe(401);
    expect(await statusOf('/', preflight, 'GET')).toBe(401);
    expect(await statusOf('/asked', preflight)).toBe(401);
  });

  test.each([
    '/secret',
    '/secret/x',
    '//secret/x',
    '/./secret/x',
    '/open/../secret/x',
    '/secret%2fx',
    '/%73ecret/x',
    '/secret//x',
    'http://a/secret',
    '/hop',
  ])('protects every spelling of a path: %s', async (path) => {
    const { exchange } = await serve([{ path: '/secret', realm: 'a "b"', users: { ann: sha('a') } }]);
    const answer = parse(await exchange(get(path)));
    expect(answer.status).toBe(401);
    expect(answer.fields.get('www-authenticate')).toBe('Basic realm="a \\"b\\"", charset="UTF-8"');
  });

  test('leaves the rest open, and tells methods apart', async () => {
    const { exchange } = await serve([
      { path: '/secret', users: { ann: sha('a') } },
      { path: '/', methods: ['PUT'], users: { ben: sha('b') } },
    ]);
    expect(parse(await exchange(get('/secretive'))).content).toBe('undefined undefined /secretive');
    expect(parse(await exchange(get('/', '', 'PUT'))).status).toBe(401);
    expect(parse(await exchange(get('/', basic('ben:b'), 'PUT'))).status).toBe(200);
    expect(parse(await exchange(get('/secret', basic('ben:b'), 'PUT'))).status).toBe(401);
  });

  test('guards HEAD where it guards GET, and what would be an error', async () => {
    const { exchange } = await serve([
      { methods: ['GET'], users: { ann: sha('a') } },
      { path: '/all', users: { ann: sha('a') } },
    ]);
    expect(parse(await exchange(get('/', '', 'HEAD'))).status).toBe(401);
    expect(parse(await exchange(get('/all', '', 'BREW'))).status).toBe(401);
  });

  test('asks a function, whatever it does', async () => {
    const { exchange } = await serve([
      {
        users: async (user, password) => {
          if (user === 'bad') throw new Error('database gone');
          return user === password;
        },
      },
    ]);
    expect(parse(await exchange(get('/', basic('x:x')))).content).toBe('x Basic /');
    expect(parse(await exchange(get('/', basic('x:y')))).status).toBe(401);
    expect(parse(await exchange(get('/', basic('bad:y')))).status).toBe(500);
  });

  test('reads its file again when that has changed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'htpasswd-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'users');
    await writeFile(file, `# users\nann:${sha('a')}\n\n`);
    const { exchange } = await serve([{ users: { file } }]);
    expect(parse(await exchange(get('/', basic('ann:a')))).status).toBe(200);
    await writeFile(`${file}.new`, `ann:${sha('b')}\n`);
    await rename(`${file}.new`, file);
    await expect.poll(async () => parse(await exchange(get('/', basic('ann:b')))).status).toBe(200);
    expect(parse(await exchange(get('/', basic('ann:a')))).status).toBe(401);
  });

  test('lets out at once whom its file does not have any more, and tells what is wrong with it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'htpasswd-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'users');
    const warnings: string[] = [];
    const listen = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', listen);
    onTestFinished(() => void process.off('warning', listen));
    await writeFile(file, `ann:${sha('a')}\nben:${sha('b')}\n`);
    const { exchange } = await serve([{ users: { file } }]);
    const status = async (words: string): Promise<number> => parse(await exchange(get('/', basic(words)))).status;
    expect([await status('ann:a'), await status('ben:b')]).toEqual([200, 200]);
    await writeFile(file, `half a line\nben:${sha('b')}\ncid:plain\n`);
    await expect.poll(() => status('ann:a')).toBe(401);
    expect(await status('ben:b')).toBe(200);
    expect(warnings).toEqual([
      `the password file ${file}: line 1 is not "name:hash"; this line is skipped`,
      expect.stringMatching(/: line 3, user "cid": unsupported hash; .*; this line is skipped$/),
    ]);
    await rm(file);
    await expect.poll(() => status('ben:b')).toBe(401);
    expect(warnings[2]).toMatch(/cannot be read, so nobody gets in: ENOENT/);
    await writeFile(file, `ann:${sha('new')}\n`);
    await expect.poll(() => status('ann:new')).toBe(200);
    expect(warnings).toHaveLength(3);
  });

  test('reads a file as editors of other systems write it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'htpasswd-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'users');
    await writeFile(file, `\ufeffann:${sha('a')}\r\n  ben:${sha('b')} \t\r\n  # none\r\n__proto__:${sha('c')}`);
    const { exchange } = await serve([{ users: { file } }]);
    const answers = async (words: string): Promise<number> => parse(await exchange(get('/', basic(words)))).status;
    for (const words of ['ann:a', 'ben:b', '__proto__:c']) expect(await answers(words)).toBe(200);
    for (const words of ['ann:b', '\ufeffann:a', 'constructor:a', '# none:', ':'])
      expect(await answers(words)).toBe(401);
  });

  test('refuses at start what could never let anybody in', () => {
    const make = (users: AuthRule['users']) => () => createServer({ auth: [{ users }] });
    expect(make({ ann: '$apr1$abc$def' })).toThrow(/user "ann".*htpasswd -B/);
    expect(make({ ann: 'plain', ben: 'x' })).toThrow(/user "ann"/);
    expect(make({ file: '/no/such/file' })).toThrow(/^the password file \/no\/such\/file cannot be read: ENOENT/);
    expect(make({ file: tmpdir() })).toThrow(/^the password file .* cannot be read: EISDIR/);
    expect(make({ ann: `$2y$31$${'a'.repeat(53)}` })).toThrow(/user "ann".* cost of 31 is above 16/);
  });

  test.each([
    ['basic YTpi', { user: 'a', password: 'b' }],
    ['Basic   YTpiOmM=', { user: 'a', password: 'b:c' }],
    ['Basic YQ==', undefined],
    ['Basic YTpiCg==', undefined],
    ['Bearer YTpi', undefined],
    ['Basic', undefined],
  ])('reads %s', (value, credentials) => {
    expect(readCredentials([['authorization', value]])).toEqual(credentials);
  });
});
