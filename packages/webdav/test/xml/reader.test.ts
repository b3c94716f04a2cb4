import fc from 'fast-check';
import sax from 'sax';
import { describe, expect, test } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { readXml, XmlError } from '../../src/xml/reader.ts';
import { writeElement } from '../../src/xml/writer.ts';

const read = (text: string): Element => readXml(Buffer.from(text));

describe('the reader', () => {
  test('tells names apart by namespace, whatever their prefixes', () => {
    const element = read('<a xmlns="one" xmlns:p="two"><p:b/><b xmlns=""/><b/></a>');
    const names = element.children.map((child) => (typeof child === 'string' ? child : [child.namespace, child.name]));
    expect(names).toEqual([
      ['two', 'b'],
      ['', 'b'],
      ['one', 'b'],
    ]);
  });

  test('resolves references and keeps sections of characters', () => {
    expect(read('<a>&lt;&#65;&#x1F600;&amp;amp;<![CDATA[<b>&amp;</b>]]></a>').children).toEqual([
      '<A😀&amp;<b>&amp;</b>',
    ]);
  });

  test('reads UTF-16 by its mark', () => {
    const text = Buffer.from('\ufeff<?xml version="1.0" encoding="UTF-16"?><ä/>', 'utf16le');
    expect(readXml(text).name).toBe('ä');
    expect(readXml(Buffer.from(text).swap16()).name).toBe('ä');
  });

  test.each([
    ['nothing', ''],
    ['text alone', 'a'],
    ['an open element', '<a>'],
    ['crossed elements', '<a><b></a></b>'],
    ['two elements', '<a/><b/>'],
    ['text after the end', '<a/>b'],
    ['a document type', '<!DOCTYPE a><a/>'],
    ['a document type with entities', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['an entity that nobody declared', '<a>&nbsp;</a>'],
    ['a lone ampersand', '<a>& b</a>'],
    ['a reference to NUL', '<a>&#0;</a>'],
    ['a reference beyond Unicode', '<a>&#x110000;</a>'],
    ['a reference to a surrogate', '<a>&#xD800;</a>'],
    ['an undeclared prefix', '<p:a/>'],
    ['an undeclared prefix of an attribute', '<a p:b=""/>'],
    ['a prefix for no namespace', '<a xmlns:p=""/>'],
    ['another meaning of xml', '<a xmlns:xml="b"/>'],
    ['a name for xmlns', '<a xmlns:xmlns="b"/>'],
    ['an attribute twice', '<a b="" b=""/>'],
    ['an attribute twice by namespace', '<a xmlns:p="n" xmlns:q="n" p:b="" q:b=""/>'],
    ['an attribute without quotes', '<a b=c/>'],
    ['an attribute with an open bracket', '<a b="<"/>'],
    ['two colons', '<a:b:c xmlns:a="n"/>'],
    ['the end of a section in a text', '<a>]]></a>'],
    ['two hyphens in a comment', '<a><!-- a -- b --></a>'],
    ['a declaration in the middle', '<a><?xml version="1.0"?></a>'],
    ['an unknown encoding', '<?xml version="1.0" encoding="latin1"?><a/>'],
    ['a control character', '<a>\u0001</a>'],
    ['too many levels', '<a>'.repeat(70) + '</a>'.repeat(70)],
    ['too many elements', `<a>${'<b/>'.repeat(10_001)}</a>`],
    ['too many attributes', `<a ${Array.from({ length: 65 }, (_, index) => `b${index}=""`).join(' ')}/>`],
  ])('refuses %s', (_, text) => {
    expect(() => read(text)).toThrow(XmlError);
  });

  test('refuses bytes that are no UTF-8', () => {
    expect(() => readXml(Buffer.from([0x3c, 0x61, 0xff, 0x2f, 0x3e]))).toThrow(XmlError);
  });

  test('reads what hostile writers repeat in time that grows with its length', () => {
    const parts = ['<a b="', '<!--', '<![CDATA[', '<?a ', ' a="" ', '&', '<a ', ']]', '--'];
    for (const part of parts) expect(() => read(`<a>${part.repeat(100_000)}`)).toThrow(XmlError);
  });
});

const name = fc.constantFrom('a', 'b', 'é', 'x-y', 'n.1');
const text = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((one) => !/[\u0000-\u001f\ufffe\uffff]/.test(one));
const namespace = fc.constantFrom('', 'DAV:', 'urn:one', 'http://two/?a&b"');
const { element } = fc.letrec<{ element: Element; child: Element | string }>((tie) => ({
  child: fc.oneof(
    { depthSize: 'small' },
    text.filter((one) => one !== ''),
    tie('element'),
  ),
  element: fc.record({
    namespace,
    name,
    prefix: fc.constantFrom('p', 'q'),
    attributes: fc.uniqueArray(fc.record({ namespace: fc.constant(''), name, prefix: fc.constant(''), value: text }), {
      selector: (one) => one.name,
      maxLength: 3,
    }),
    declared: fc.constant([]),
    children: fc.array(tie('child'), { maxLength: 3 }),
  }),
}));

/** An element without what is a matter of spelling. */
function plain({ namespace: space, name: local, attributes, children }: Element): unknown {
  const joined: unknown[] = [];
  for (const child of children) {
    const last = joined.at(-1);
    if (typeof child === 'string' && typeof last === 'string') joined[joined.length - 1] = last + child;
    else joined.push(typeof child === 'string' ? child : plain(child));
  }
  return { space, local, attributes: attributes.map((one) => [one.namespace, one.name, one.value]), joined };
}

const spelt = (one: Element): Element => ({
  ...one,
  prefix: one.namespace === '' ? '' : one.prefix,
  children: one.children.map((child) => (typeof child === 'string' ? child : spelt(child))),
});

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(element, (one) => {
      expect(plain(read(writeElement(spelt(one))))).toEqual(plain(one));
    }),
  );
});

/** What sax, in its strict mode, makes of a text; an Error where it refuses. */
function readBySax(source: string): unknown {
  const parser = sax.parser(true, { xmlns: true, strictEntities: true } as sax.SAXOptions);
  const stack: { space: string; local: string; attributes: unknown[]; joined: unknown[] }[] = [];
  let root: unknown;
  let problem: Error | undefined;
  parser.onopentag = (tag) => {
    const { uri, local, attributes } = tag as sax.QualifiedTag;
    const own = Object.values(attributes).filter((one) => one.prefix !== 'xmlns' && one.name !== 'xmlns');
    const node = { space: uri, local, attributes: own.map((one) => [one.uri, one.local, one.value]), joined: [] };
    stack.at(-1)?.joined.push(node);
    root ??= node;
    stack.push(node);
  };
  const add = (piece: string): void => {
    const joined = stack.at(-1)?.joined;
    if (joined === undefined) return;
    if (typeof joined.at(-1) === 'string') joined[joined.length - 1] = `${String(joined.at(-1))}${piece}`;
    else joined.push(piece);
  };
  Object.assign(parser, {
    ontext: add,
    oncdata: add,
    onclosetag: () => void stack.pop(),
    onerror: (error: Error) => void (problem ??= error),
  });
  try {
    parser.write(source).close();
  } catch (error) {
    problem ??= error as Error;
  }
  return problem ?? root;
}

test('reads random documents as sax does, or refuses them', () => {
  const pieces = [
    '<a>',
    '</a>',
    '<b/>',
    '<p:a xmlns:p="n">',
    '</p:a>',
    '<p:b/>',
    'text',
    '&amp;',
    '&#x41;',
    '<!-- c -->',
    '<![CDATA[<]]>',
    ' ',
    '<a b="c">',
    '<a xmlns="m">',
    '<?pi x?>',
    "<b c='&lt;'/>",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
      const source = `<r>${parts.join('')}</r>`;
      let ours: unknown;
      try {
        ours = plain(read(source));
      } catch (error) {
        if (!(error instanceof XmlError)) throw error;
        ours = error;
      }
      const theirs = readBySax(source);
      if (ours instanceof Error) expect(theirs).toBeInstanceOf(Error);
      else expect(theirs).toEqual(ours);
    }),
    { numRuns: 2_000 },
  );
});
