import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, property, string } from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { accessLog } from '../../src/operations/access-log.ts';
import { lineFormatter } from '../../src/operations/access-log-format.ts';
import { descriptorLineWriter } from '../../src/operations/line-writer.ts';
import { entry } from './entry.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'onezero-log-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const date = String.raw`\d\d/Jan/2024:\d\d:\d\d:05 [+-]\d{4}`;

describe('lineFormatter', () => {
  test('writes the common format', () => {
    expect(lineFormatter('common')(entry())).toMatch(
      new RegExp(String.raw`^192\.0\.2\.1 - - \[${date}\] "GET /a\.txt\?b=1 HTTP/1\.1" 200 10$`),
    );
  });

  test('writes the combined format', () => {
    const line = lineFormatter('combined')(
      entry({ user: 'ann', referer: 'http://x/', userAgent: 'curl/8', contentBytes: 0 }),
    );
    expect(line).toMatch(new RegExp(String.raw`^192\.0\.2\.1 - ann \[${date}\] "GET .*" 200 - "http://x/" "curl/8"$`));
  });

  test('writes JSON that reads back', () => {
    expect(JSON.parse(lineFormatter('json')(entry({ userAgent: 'ü\u2028"\n' })))).toEqual({
      time: '2024-01-02T03:04:05.678Z',
      id: 'a1',
      remote: '192.0.2.1',
      method: 'GET',
      target: '/a.txt?b=1',
      version: '1.1',
      host: 'example.org',
      status: 200,
      bytes: 10,
      ms: 1.25,
      userAgent: 'ü\u2028"\n',
      complete: true,
    });
  });

  test('writes lines for people, coloured only when asked', () => {
    expect(lineFormatter('dev')(entry())).toMatch(/^\d\d:\d\d:05 200 GET \/a\.txt\?b=1 10 B 1\.3 ms$/);
    expect(lineFormatter('dev', true)(entry({ status: 404 }))).toContain('\u001b[33m404\u001b[0m');
    expect(lineFormatter('dev')(entry({ complete: false, contentBytes: 1_234_567 }))).toMatch(
      /1\.2 MB .* \(broken off\)$/,
    );
  });

  test('writes a request that could not be read as a dash', () => {
    const unread = entry({ method: undefined, target: undefined, version: undefined, status: 400 });
    expect(lineFormatter('common')(unread)).toContain('] "-" 400 10');
  });

  test('does not reuse the date of another second', () => {
    const line = lineFormatter('common');
    const first = line(entry());
    expect(line(entry({ time: new Date('2024-01-02T03:04:06.000Z') }))).not.toBe(first);
    expect(line(entry())).toBe(first);
  });

  test.each(['dev', 'common', 'combined', 'json'] as const)(
    'lets nobody forge a line or reach a terminal (%s)',
    (format) => {
      assert(
        property(string({ unit: 'binary' }), (text) => {
          const hostile = entry({
            user: text,
            method: text,
            target: text,
            version: text,
            referer: text,
            userAgent: text,
          });
          expect(lineFormatter(format)(hostile)).toMatch(/^[\x20-\x7e]*$/);
        }),
      );
      const line = lineFormatter(format)(entry({ user: 'a b', target: '/" 200 1\n\u001b[31m', userAgent: '\u00e9\\' }));
      if (format === 'combined') {
        expect(line).toContain(String.raw`- a\x20b [`);
        expect(line).toContain(String.raw`"GET /\" 200 1\x0a\x1b[31m HTTP/1.1"`);
        expect(line).toContain(String.raw`"\xe9\\"`);
      }
    },
  );
});

describe('accessLog', () => {
  test('hands lines to a function at once', () => {
    const lines: string[] = [];
    accessLog({ format: 'common', write: (line) => lines.push(line) })(entry());
    expect(lines).toHaveLength(1);
  });

  test('appends to a file that others may not read, and writes what is left at the end', async () => {
    const file = join(directory, 'access.log');
    for (const status of [200, 404]) {
      const log = accessLog({ format: 'common', file });
      log(entry({ status }));
      await log.close();
      await log.close();
      log(entry());
    }
    expect(readFileSync(file, 'utf8').match(/ (200|404) 10\n/g)).toHaveLength(2);
    expect(statSync(file).mode & 0o007).toBe(0);
  });

  test('opens the file anew, so that a log can be moved away', async () => {
    const file = join(directory, 'access.log');
    const log = accessLog({ format: 'common', file });
    log(entry({ target: '/one' }));
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('/one'), 120_000);
    renameSync(file, `${file}.1`);
    log.reopen();
    log(entry({ target: '/two' }));
    await log.close();
    expect(readFileSync(`${file}.1`, 'utf8')).not.toContain('/two');
    expect(readFileSync(file, 'utf8')).toContain('/two');
  });

  test('stays with the old file when it cannot open a new one', async () => {
    const file = join(directory, 'access.log');
    const log = accessLog({ format: 'common', file });
    renameSync(directory, `${directory}-moved`);
    expect(() => log.reopen()).toThrow(/ENOENT/);
    log(entry());
    await log.close();
    expect(readFileSync(join(`${directory}-moved`, 'access.log'), 'utf8')).toContain('GET');
    rmSync(`${directory}-moved`, { recursive: true });
  });

  test('throws when the file cannot be opened', () => {
    expect(() => accessLog({ file: join(directory, 'no', 'access.log') })).toThrow(/ENOENT/);
  });

  test.skipIf(!existsSync('/dev/full'))('survives a full disk', async () => {
    const log = accessLog({ file: '/dev/full' });
    log(entry());
    await new Promise((resolve) => setImmediate(resolve));
    for (let count = 0; count < 100; count++) log(entry());
    await log.close();
  });
});

describe('descriptorLineWriter', () => {
  test('holds lines back while a pipe is full, bounded, and says how many it dropped', async () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const reading = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writing = openSync(fifo, constants.O_WRONLY);
    const writer = descriptorLineWriter(writing, () => undefined);
    // More than a pipe holds, so the write under way cannot end before somebody reads.
    writer.write('x'.repeat(1024 * 1024));
    await untilFull(reading);
    const line = 'y'.repeat(1024 * 1024 - 1);
    for (let count = 0; count < 20; count++) writer.write(line);
    const socket = new Socket({ fd: reading, readable: true });
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
    });
    await vi.waitFor(() => expect(received.length).toBeGreaterThan(16 * 1024 * 1024), 120_000);
    await writer.close();
    closeSync(writing);
    await once(socket, 'close');
    const lines = received.split('\n');
    expect(lines[1]).toBe('# 4 lines could not be written');
    expect(lines.filter((one) => one === line)).toHaveLength(16);
  });

  test('drops lines for a pipe that broke', async () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const reading = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writing = openSync(fifo, constants.O_WRONLY);
    closeSync(reading);
    const writer = descriptorLineWriter(writing, () => undefined);
    writer.write('lost');
    await writer.close();
    closeSync(writing);
  });
});

/** Resolves when the pipe holds something, which is when the writer has begun. */
async function untilFull(reading: number): Promise<void> {
  await vi.waitFor(() => expect(readSync(reading, Buffer.alloc(1))).toBe(1), 120_000);
}
