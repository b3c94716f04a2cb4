// A calendar server that was written for others, through --wsgi and through CGI, with a real client.

import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { site, start, type Started } from './command.ts';

const python = '/usr/bin/python3';

function runs(program: string, words: readonly string[]): boolean {
  try {
    execFileSync(program, words, { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

const isHere =
  process.env['CI'] !== undefined || (runs(python, ['-c', 'import radicale']) && runs('vdirsyncer', ['--version']));

const event = (uid: string, summary: string): string =>
  `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:${uid}\r\nDTSTAMP:20260101T000000Z\r\n` +
  `DTSTART:20260101T100000Z\r\nSUMMARY:${summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;

const query = `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>
<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter></C:calendar-query>`;

async function serve(way: 'wsgi' | 'cgi'): Promise<{ server: Started; folder: string }> {
  const place = site({
    config: '',
    'radicale.cgi': `#!${python}\nfrom wsgiref.handlers import CGIHandler\nfrom radicale import application\nCGIHandler().run(application)\n`,
  });
  writeFileSync(
    join(place.path, 'config'),
    `[auth]\ntype = none\n[storage]\nfilesystem_folder = ${join(place.path, 'collections')}\n`,
  );
  const env = { RADICALE_CONFIG: join(place.path, 'config') };
  const configuration = {
    wsgi: { wsgi: [{ application: 'radicale:application', python, processes: 1 }] },
    cgi: { listing: false, cgi: [{ path: '/', script: 'radicale.cgi', passAuthorization: true, env }] },
  }[way];
  writeFileSync(join(place.path, 'onezero.json'), JSON.stringify(configuration));
  const server = await start(['-c', 'onezero.json', '--no-access-log'], { cwd: place.path, env });
  onTestFinished(async () => {
    await server.stop();
    place.remove();
  });
  return { server, folder: place.path };
}

describe.skipIf(!isHere)('Radicale', () => {
  test.each(['wsgi', 'cgi'] as const)('takes every method of CalDAV: %s', async (way) => {
    const { server } = await serve(way);
    const authorization = `Basic ${btoa('ann:x')}`;
    const ask = async (method: string, path: string, body?: string, fields = {}): Promise<[number, string]> => {
      const asked = await server.fetch(path, {
        method,
        headers: { authorization, ...fields },
        ...(body !== undefined && { body }),
      });
      return [asked.status, await asked.text()];
    };
    expect((await ask('OPTIONS', '/'))[0]).toBe(200);
    expect((await ask('MKCALENDAR', '/ann/cal/'))[0]).toBe(201);
    expect((await ask('PUT', '/ann/cal/one.ics', event('one', 'first'), { 'content-type': 'text/calendar' }))[0]).toBe(
      201,
    );
    const [found, listing] = await ask('PROPFIND', '/ann/cal/', '', { depth: '1' });
    expect([found, listing.includes('/ann/cal/one.ics')]).toEqual([207, true]);
    const [reported, events] = await ask('REPORT', '/ann/cal/', query, { depth: '1', 'content-type': 'text/xml' });
    expect([reported, events.includes('SUMMARY:first')]).toEqual([207, true]);
    expect(
      (
        await ask('MOVE', '/ann/cal/one.ics', undefined, {
          destination: `http://127.0.0.1:${server.port}/ann/cal/two.ics`,
        })
      )[0],
    ).toBe(201);
    const rename =
      '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>Ann</D:displayname></D:prop></D:set></D:propertyupdate>';
    expect((await ask('PROPPATCH', '/ann/cal/', rename))[0]).toBe(207);
    expect((await ask('GET', '/ann/cal/two.ics'))[1]).toContain('SUMMARY:first');
    expect((await ask('DELETE', '/ann/cal/two.ics'))[0]).toBe(200);
    expect((await ask('FROB', '/ann/cal/'))[0]).toBe(501);
  });

  test('syncs with vdirsyncer, both ways', async () => {
    const { server, folder } = await serve('wsgi');
    const local = join(folder, 'local');
    mkdirSync(join(local, 'cal'), { recursive: true });
    writeFileSync(join(local, 'cal/here.ics'), event('here', 'from here'));
    const made = await server.fetch('/ann/cal/', {
      method: 'MKCALENDAR',
      headers: { authorization: `Basic ${btoa('ann:x')}` },
    });
    expect(made.status).toBe(201);
    writeFileSync(
      join(folder, 'vdirsyncer'),
      `[general]\nstatus_path = "${folder}/status/"\n[pair c]\na = "l"\nb = "r"\ncollections = ["cal"]\n` +
        `[storage l]\ntype = "filesystem"\npath = "${local}/"\nfileext = ".ics"\n` +
        `[storage r]\ntype = "caldav"\nurl = "${server.url}/"\nusername = "ann"\npassword = "x"\n`,
    );
    const run = promisify(execFile);
    const sync = async (): Promise<void> => {
      for (const word of ['discover', 'sync']) await run('vdirsyncer', ['-c', join(folder, 'vdirsyncer'), word]);
    };
    await sync();
    const stored = join(folder, 'collections/collection-root/ann/cal');
    expect(readdirSync(stored).filter((name) => name.endsWith('.ics'))).toHaveLength(1);
    writeFileSync(join(stored, 'there.ics'), event('there', 'from there'));
    await sync();
    const all = readdirSync(join(local, 'cal')).map((name) => readFileSync(join(local, 'cal', name), 'utf8'));
    expect(all.some((text) => text.includes('from there'))).toBe(true);
    expect(existsSync(join(local, 'cal/here.ics'))).toBe(true);
  });
});

test('static files answer 405 to methods of applications, and an application below them is asked', async () => {
  const place = site({
    'www/a.txt': 'a',
    'app.py':
      'def application(e, s):\n    s("200 OK", [("Accept-Query", "text/plain")])\n    return [e["REQUEST_METHOD"].encode()]\n',
  });
  onTestFinished(() => place.remove());
  const files = await start(['www'], { cwd: place.path });
  const refused = await files.fetch('/a.txt', { method: 'PROPFIND' });
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  expect((await files.fetch('/a.txt', { method: 'FROB' })).status).toBe(501);
  await files.stop();
  const both = await start(['www', '--wsgi', '/api=app', '--methods', 'FROB'], { cwd: place.path });
  for (const method of ['PROPFIND', 'QUERY', 'FROB']) {
    const answer = await both.fetch('/api/x', { method });
    expect([await answer.text(), answer.headers.get('accept-query')]).toEqual([method, 'text/plain']);
  }
  await both.stop();
});
