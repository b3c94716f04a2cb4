// Pages that are lent by the cache of files go out whole and in order, whoever else is answered meanwhile.

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { serveStatic } from '@onezero/static';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { complete, type Situation } from '../../src/connection/complete.ts';
import { lentResponse } from '../../src/connection/lent-response.ts';
import { Output } from '../../src/connection/output.ts';
import type { ResponseMessage } from '../../src/message/message.ts';
import type { ServerOptions } from '../../src/options.ts';
import { readAll, start } from '../exchange.ts';
import { FakeTransport } from './fake-transport.ts';

const PAGES = 40;
let root: string;

function contentOf(page: number): string {
  return `page ${page} `.repeat(1 + page * 30);
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'onezero-lent-'));
  for (let page = 0; page < PAGES; page++) writeFileSync(join(root, `p${page}.txt`), contentOf(page));
  while (Date.now() - statSync(join(root, `p${PAGES - 1}.txt`)).ctimeMs < 40) await passed(5);
});

afterAll(() => rmSync(root, { recursive: true }));

/** The contents of all responses on a connection, which must have a length each. */
function contentsIn(text: string): string[] {
  const contents: string[] = [];
  for (let rest = text; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n');
    const head = rest.slice(0, end);
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\ndate: [^\r]+\r\nserver: onezero\r\n/);
    const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1]);
    contents.push(rest.slice(end + 4, end + 4 + length));
    rest = rest.slice(end + 4 + length);
  }
  return contents;
}

async function exchanged(options: ServerOptions, pages: readonly number[], isSlow = false): Promise<string[]> {
  const running = await start({ root, static: { cacheMemoryBytes: 200_000 }, ...options });
  onTestFinished(() => running.close());
  const socket = await running.connect();
  const last = pages.length - 1;
  const asks = pages.map(
    (page, number) => `GET /p${page}.txt HTTP/1.1\r\nHost: a\r\n${number === last ? 'Connection: close\r\n' : ''}\r\n`,
  );
  socket.write(asks.join(''));
  if (isSlow) await passed(50);
  return contentsIn(await readAll(socket));
}

const SEQUENCE = Array.from({ length: 600 }, (_, number) => (number * 7 + (number % 5) * 11) % PAGES);

describe('pages of a folder', () => {
  test('leave pipelined in the order of their requests, each whole', async () => {
    expect(await exchanged({}, SEQUENCE)).toEqual(SEQUENCE.map(contentOf));
  });

  test('are whole for a client that reads late, when the system takes no more', async () => {
    expect(await exchanged({}, [...SEQUENCE, ...SEQUENCE, ...SEQUENCE], true)).toHaveLength(3 * SEQUENCE.length);
  });

  test('are whole while another connection is answered in the middle of a turn', async () => {
    const inner = await start({ root, static: { cacheMemoryBytes: 200_000 } });
    onTestFinished(() => inner.close());
    const nested: Promise<string>[] = [];
    const options: ServerOptions = {
      routes: [
        {
          path: '/p3.txt',
          responder: () => {
            // Served in memory at once, while answers before it wait to leave together.
            nested.push(inner.server.fetch(new Request('http://a/p9.txt')).then((response) => response.text()));
            return { status: 200, fields: [], content: contentOf(3) };
          },
        },
      ],
    };
    expect(await exchanged(options, SEQUENCE)).toEqual(SEQUENCE.map(contentOf));
    expect(new Set(await Promise.all(nested))).toEqual(new Set([contentOf(9)]));
  });

  test('are not lent past a hook that asks the same files', async () => {
    const files = serveStatic(root, { cacheMemoryBytes: 0 });
    const hook: ServerOptions['fields'] = () => {
      void files.lend?.({ method: 'GET', pathInfo: '/p0.txt', fields: [] });
      return [['x-hook', 'yes']];
    };
    expect(await exchanged({ static: { cacheMemoryBytes: 0 }, fields: hook }, SEQUENCE)).toEqual(
      SEQUENCE.map(contentOf),
    );
  });

  test('keep the fields that the options add', async () => {
    const running = await start({ root, fields: [['X-Every', 'one']], requestIdField: 'x-id' });
    onTestFinished(() => running.close());
    const socket = await running.connect();
    socket.write('GET /p5.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /p6.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const text = await readAll(socket);
    expect(text.match(/\r\nx-every: one\r\n/g)).toHaveLength(2);
    expect(text.match(/\r\nx-id: [^\r]+\r\n/g)).toHaveLength(2);
  });
});

describe('lentResponse', () => {
  const settings = { serverField: 'onezero', fields: [], requestIdField: undefined };
  const situations: readonly Situation[] = [
    { method: 'GET', version: '1.1', persistent: true, id: undefined },
    { method: 'GET', version: '1.1', persistent: false, id: undefined },
    { method: 'GET', version: '1.0', persistent: true, id: undefined },
    { method: 'HEAD', version: '1.1', persistent: true, id: undefined },
  ];

  function stored(fields: ResponseMessage['fields']): ResponseMessage {
    let kept: Uint8Array | undefined;
    return {
      status: 200,
      fields,
      content: Buffer.from('content'),
      isLent: true,
      lines: {
        get kept() {
          return kept;
        },
        keep: (lines) => {
          kept = Uint8Array.from(lines);
        },
      },
    };
  }

  function textOf(head: string | Uint8Array): string {
    return typeof head === 'string' ? head : Buffer.from(head).toString('latin1');
  }

  function fieldsIn(head: string): string[] {
    return head.trimEnd().split('\r\n').toSorted();
  }

  test.each(situations)(
    'says what every other response says to $method over $version, persistent: $persistent',
    (situation) => {
      const response = stored([
        ['content-type', 'text/html'],
        ['etag', '"x"'],
        ['date', 'never'],
        ['content-length', '3'],
      ]);
      const usual = complete(
        { ...response, fields: response.fields.slice(0, 2), lines: undefined },
        situation,
        settings,
      );
      // The second time from lines that were kept, the fourth from a head that came again.
      for (let time = 0; time < 4; time++) {
        const lent = lentResponse(response, situation, settings);
        const head = textOf(lent.head) + textOf(lent.lines);
        expect(fieldsIn(head)).toEqual(fieldsIn(Buffer.from(usual.head ?? []).toString('latin1')));
        expect(head.endsWith('\r\n\r\n')).toBe(true);
        expect(lent.persistent).toBe(usual.persistent);
        expect(lent.content).toHaveLength(situation.method === 'HEAD' ? 0 : 7);
      }
    },
  );

  test('takes the head of the answer before for no other', () => {
    const response = stored([['content-type', 'text/html']]);
    const headOf = (length: number, situation: Situation): string =>
      textOf(lentResponse({ ...response, content: Buffer.alloc(length) }, situation, settings).head);
    for (const situation of [...situations, ...situations]) {
      for (const length of [5, 5, 5, 6, 6, 6]) {
        const head = headOf(length, situation);
        expect(/\r\ncontent-length: (\d+)\r\n/.exec(head)?.[1]).toBe(`${length}`);
        expect(/\r\nconnection: (.*)\r\n/.exec(head)?.[1]).toBe(
          situation.persistent ? (situation.version === '1.0' ? 'keep-alive' : undefined) : 'close',
        );
      }
    }
  });

  test('leaves a field that decides about the connection to the usual way', () => {
    const lent = lentResponse(stored([['connection', 'close']]), situations[0]!, settings);
    expect(lent.persistent).toBe(false);
    expect(textOf(lent.head)).toContain('\r\nconnection: close\r\n');
  });

  test('refuses what cannot be written', () => {
    expect(() => lentResponse(stored([['x', 'a\r\nb: c']]), situations[0]!, settings)).toThrow(/cannot hold/);
  });
});

/** Takes memory that is written to anew. */
class SharingTransport extends FakeTransport {
  writeShared(memory: Uint8Array, start: number, size: number): boolean {
    return this.write(memory.subarray(start, start + size));
  }
}

describe('Output', () => {
  test('keeps the order of what is lent and what is not, and every byte', () => {
    const transport = new SharingTransport();
    const output = new Output(transport);
    output.isBatching = true;
    const memory = Buffer.alloc(3_000);
    let expected = '';
    for (let number = 0; number < 200; number++) {
      if (number % 7 === 0) {
        output.write([Buffer.from(`piece ${number};`)]);
        expected += `piece ${number};`;
      } else {
        memory.fill(`content ${number} `);
        output.writeLent(`head ${number};`, Buffer.from('lines;'), memory);
        expected += `head ${number};lines;${memory.toString('latin1')}`;
      }
    }
    output.flush();
    expect(transport.text).toBe(expected);
  });

  test('does not touch what another connection has gathered', () => {
    const [one, other] = [new SharingTransport(), new SharingTransport()];
    const [first, second] = [new Output(one), new Output(other)];
    first.isBatching = true;
    first.writeLent('a', Buffer.from('b'), Buffer.from('c'));
    second.writeLent('x', Buffer.from('y'), Buffer.from('z'));
    first.writeLent('d', Buffer.from('e'), Buffer.from('f'));
    first.flush();
    expect([one.text, other.text]).toEqual(['abcdef', 'xyz']);
  });

  test('stays whole when the memory that all share is full', () => {
    const all = Array.from({ length: 40 }, () => new SharingTransport());
    const outputs = all.map((transport) => new Output(transport));
    const page = Buffer.alloc(20_000);
    for (const [number, output] of outputs.entries()) {
      output.isBatching = true;
      page.fill(`page ${number} `);
      output.writeLent(`head ${number};`, Buffer.from('lines;'), page);
      output.isBatching = false;
    }
    for (const output of outputs) output.flush();
    for (const [number, { text }] of all.entries()) {
      page.fill(`page ${number} `);
      expect(text).toBe(`head ${number};lines;${page.toString('latin1')}`);
    }
  });

  test('copies for a transport that keeps what it is given', () => {
    const transport = new FakeTransport();
    const output = new Output(transport);
    output.isBatching = true;
    const memory = Buffer.from('first');
    output.writeLent('1', Buffer.alloc(0), memory);
    memory.write('other');
    output.flush();
    expect(transport.text).toBe('1first');
  });
});
