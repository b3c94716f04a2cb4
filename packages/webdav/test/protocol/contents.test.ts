import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WriteRefused } from '@onezero/static/tree';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DavRequest, Field } from '../../src/message.ts';
import { changesIn, ContentFailed, lockWishIn, readContent, wantedBy } from '../../src/protocol/contents.ts';
import { webdav } from '../../src/webdav.ts';
import type { Element } from '../../src/xml/element.ts';
import { readXml } from '../../src/xml/reader.ts';
import { writeElement } from '../../src/xml/writer.ts';

const read = (text: string): Element | undefined => (text === '' ? undefined : readXml(Buffer.from(text)));

function outcome<Value>(action: () => Value): Value | number {
  try {
    return action();
  } catch (error) {
    if (error instanceof WriteRefused) return error.response.status;
    throw error;
  }
}

async function* pieces(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

test('a property that is asked for again is asked for once', () => {
  const again = '<getetag/><x xmlns="urn:t"/>'.repeat(2_000);
  const names = [
    { namespace: 'DAV:', name: 'getetag' },
    { namespace: 'urn:t', name: 'x' },
  ];
  const text = `<propfind xmlns="DAV:"><prop>${again}</prop></propfind>`;
  expect(wantedBy(read(text))).toEqual({ kind: 'some', names });
});

test('what is declared far above counts in what is written, and only there', () => {
  const levels = Array.from({ length: 50 }, (_, index) => index);
  const begin = levels.map((index) => `<a xmlns:p${index}="urn:${index}">`).join('');
  const element = read(`${begin}<p0:b p49:c="1"><p49:d xmlns:p49="urn:other"/></p0:b>${'</a>'.repeat(50)}`);
  expect(element && writeElement(element)).toContain('<p0:b p49:c="1"><p49:d xmlns:p49="urn:other"/></p0:b>');
  let inner = element;
  for (let level = 0; level < 50; level++) inner = inner?.children[0] as Element;
  expect(inner && writeElement(inner)).toBe(
    '<p0:b xmlns:p0="urn:0" xmlns:p49="urn:49" p49:c="1"><p49:d xmlns:p49="urn:other"/></p0:b>',
  );
});

describe('the content of a request', () => {
  const ask = async (content: AsyncIterable<Uint8Array> | undefined, fields: readonly Field[] = [], most = 1_000) => {
    const request: DavRequest = { method: 'PROPFIND', pathInfo: '/', fields, ...(content && { content }) };
    try {
      return (
        await readContent(
          {
            ...request,
            contentLength: content === undefined ? 0 : undefined,
            fields: [...fields, ['transfer-encoding', 'chunked']],
          },
          most,
        )
      )?.name;
    } catch (error) {
      if (error instanceof WriteRefused) return error.response.status;
      throw error;
    }
  };

  test('is an element, wherever it was cut', async () => {
    const text = '<?xml version="1.0" encoding="utf-8"?>\n<ä:b xmlns:ä="urn:ü">😀</ä:b>';
    const bytes = Buffer.from(text);
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(await ask(pieces(bytes.subarray(0, cut), bytes.subarray(cut)))).toBe('b');
    }
    expect(await ask(pieces(...Array.from(bytes, (byte) => Uint8Array.of(byte))))).toBe('b');
  });

  test('is none where nothing comes, announced or not', async () => {
    expect(await ask(undefined)).toBeUndefined();
    expect(await ask(pieces())).toBeUndefined();
    expect(await ask(pieces('', ''))).toBeUndefined();
  });

  test.each([
    ['no XML', 'text', [], 400],
    ['blanks', '  \n ', [], 400],
    ['half a document', '<a><b>', [], 400],
    ['a document type', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', [], 400],
    ['a coding', '<a/>', [['content-encoding', 'gzip']], 415],
    ['more than the limit', `<a>${'x'.repeat(2_000)}</a>`, [], 413],
  ] as const)('is refused when it is %s', async (_, text, fields, status) => {
    expect(await ask(pieces(text), fields as readonly Field[])).toBe(status);
  });

  test('may say that it is not coded', async () => {
    expect(await ask(pieces('<a/>'), [['content-encoding', 'Identity']])).toBe('a');
  });

  test('at the limit is read, and a byte more is not', async () => {
    const text = `<a>${'x'.repeat(93)}</a>`;
    expect(await ask(pieces(text), [], 100)).toBe('a');
    expect(await ask(pieces(text), [], 99)).toBe(413);
  });

  test('that breaks off is told from what else fails', async () => {
    const broken = new Error('reset');
    const content = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('<a>');
      throw broken;
    })();
    const failure = await ask(content).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ContentFailed);
    expect((failure as Error).cause).toBe(broken);
  });
});

const D = 'xmlns="DAV:"';

describe('PROPFIND', () => {
  test.each([
    ['', { kind: 'all', include: [] }],
    [`<propfind ${D}><allprop/></propfind>`, { kind: 'all', include: [] }],
    [
      `<propfind ${D}><allprop/><include><p xmlns="urn:t"/></include></propfind>`,
      { kind: 'all', include: [{ namespace: 'urn:t', name: 'p' }] },
    ],
    [`<propfind ${D}><propname/></propfind>`, { kind: 'names' }],
    [`<propfind ${D}><prop/></propfind>`, { kind: 'some', names: [] }],
    [
      `<propfind ${D}><prop><getetag/><p xmlns=""/></prop></propfind>`,
      {
        kind: 'some',
        names: [
          { namespace: 'DAV:', name: 'getetag' },
          { namespace: '', name: 'p' },
        ],
      },
    ],
    [`<propfind ${D}><x xmlns="urn:x"/><propname/>text</propfind>`, { kind: 'names' }],
    [`<propfind ${D}/>`, 400],
    [`<propfind ${D}><x/></propfind>`, 400],
    [`<propfind><allprop/></propfind>`, 400],
    [`<propertyupdate ${D}/>`, 400],
    [
      `<propfind ${D}><prop>${Array.from({ length: 1_001 }, (_, index) => `<p${index}/>`).join('')}</prop></propfind>`,
      400,
    ],
  ])('%s', (text, expected) => {
    expect(outcome(() => wantedBy(read(text)))).toEqual(expected);
  });
});

describe('PROPPATCH', () => {
  const steps = (text: string): unknown =>
    outcome(() =>
      changesIn(read(text)).map((change) =>
        change.kind === 'set' ? ['set', writeElement(change.property)] : ['remove', change.property.name],
      ),
    );

  test.each<[string, unknown]>([
    [
      `<propertyupdate ${D}><set><prop><p xmlns="urn:t">1</p></prop></set></propertyupdate>`,
      [['set', '<p xmlns="urn:t">1</p>']],
    ],
    [`<propertyupdate ${D}><remove><prop><p xmlns="urn:t"/></prop></remove></propertyupdate>`, [['remove', 'p']]],
    [
      `<propertyupdate ${D}><set><prop><a xmlns=""/></prop></set><remove><prop><a xmlns=""/></prop></remove><set><prop><a xmlns="">2</a></prop></set></propertyupdate>`,
      [
        ['set', '<a xmlns=""/>'],
        ['remove', 'a'],
        ['set', '<a xmlns="">2</a>'],
      ],
    ],
    [
      `<propertyupdate ${D} xml:lang="de"><set><prop><p xmlns="urn:t"/></prop></set></propertyupdate>`,
      [['set', '<p xmlns="urn:t" xml:lang="de"/>']],
    ],
    [
      `<propertyupdate ${D} xml:lang="de"><set xml:lang="fr"><prop xml:lang="it"><p xmlns="urn:t"/></prop></set></propertyupdate>`,
      [['set', '<p xmlns="urn:t" xml:lang="it"/>']],
    ],
    [
      `<propertyupdate ${D} xml:lang="de"><set><prop><p xmlns="urn:t" xml:lang="en"/></prop></set></propertyupdate>`,
      [['set', '<p xmlns="urn:t" xml:lang="en"/>']],
    ],
    [
      `<propertyupdate ${D}><x xmlns="urn:x"/><set><prop><p xmlns="urn:t"/></prop></set></propertyupdate>`,
      [['set', '<p xmlns="urn:t"/>']],
    ],
    ['', 400],
    [`<propertyupdate ${D}/>`, 400],
    [`<propertyupdate ${D}><set/></propertyupdate>`, 400],
    [`<propertyupdate ${D}><set><prop/></set></propertyupdate>`, 400],
    [`<propfind ${D}/>`, 400],
    [`<propertyupdate ${D}><set><prop>${'<p/>'.repeat(1_001)}</prop></set></propertyupdate>`, 400],
  ])('%s', (text, expected) => {
    expect(steps(text)).toEqual(expected);
  });
});

describe('LOCK', () => {
  const info = (scope: string, type = '<write/>', more = ''): string =>
    `<lockinfo ${D}><lockscope>${scope}</lockscope><locktype>${type}</locktype>${more}</lockinfo>`;

  test.each<[string, unknown]>([
    ['', undefined],
    [info('<exclusive/>'), ['exclusive', undefined]],
    [info('<shared/>'), ['shared', undefined]],
    [info('<shared/>', '<write/>', '<owner>ada</owner>'), ['shared', '<owner xmlns="DAV:">ada</owner>']],
    [info('<exclusive/>', '<write/>', '<owner/>'), ['exclusive', '<owner xmlns="DAV:"/>']],
    [info(''), 422],
    [info('<exclusive/><shared/>'), 422],
    [info('<intention/>'), 422],
    [info('<exclusive/>', '<read/>'), 422],
    [info('<exclusive/>', ''), 422],
    [`<lockinfo ${D}><lockscope><exclusive/></lockscope></lockinfo>`, 400],
    [`<lockinfo ${D}><locktype><write/></locktype></lockinfo>`, 400],
    ['<lockinfo><lockscope/><locktype/></lockinfo>', 400],
    [`<propfind ${D}/>`, 400],
  ])('%s', (text, expected) => {
    const wish = outcome(() => lockWishIn(read(text)));
    const said = typeof wish === 'object' ? [wish.scope, wish.owner && writeElement(wish.owner)] : wish;
    expect(said).toEqual(expected);
  });
});

test('content that breaks off is the failure of who sent it, and no answer of ours', async () => {
  const root = mkdtempSync(join(tmpdir(), 'onezero-webdav-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const respond = webdav({ root: root, fsync: false });
  const broken = new Error('reset');
  for (const method of ['PUT', 'PROPPATCH']) {
    const content = (async function* () {
      yield Buffer.from('<a');
      throw broken;
    })();
    await expect(
      respond({ method, pathInfo: '/a.txt', fields: [['content-length', '9']], contentLength: 9, content }),
      method,
    ).rejects.toBe(broken);
  }
});
