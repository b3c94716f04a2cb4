// A namespace-aware reader of XML 1.0 for request contents: small, strict, and without what makes XML dangerous.
//
// A document type is refused, so that there are no entities but the five that XML has itself. What is not well-formed, an
// undeclared prefix among it, is refused as a whole. Depth, number of elements and attributes are bounded, and time is linear:
// the text is walked once by expressions that begin where the last ended.

import { type Attribute, type Element, Scope, XML_NAMESPACE } from './element.ts';

/** Deeper and wider than any client's request, and small enough that a hostile one costs nothing. */
const MAX_DEPTH = 64;
const MAX_ELEMENTS = 10_000;
const MAX_ATTRIBUTES = 64;

/** Names in a namespace are written with it, each by itself: a long one would be written as often as there are names. */
const MAX_NAMESPACE = 1_024;

/** What cannot be read as XML, in one line. */
export class XmlError extends Error {}

const START =
  ':A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}\\u{200D}\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}';
const NAME = `[${START}][${START}\\-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}]*`;
const TEXT = /[^<]+/uy;
const COMMENT = /<!--((?:(?!--)[^])*)-->/uy;
const CDATA = /<!\[CDATA\[((?:(?!\]\]>)[^])*)\]\]>/uy;
const INSTRUCTION = new RegExp(`<\\?(${NAME})(?:[ \\t\\r\\n](?:(?!\\?>)[^])*)?\\?>`, 'uy');
const DECLARATION =
  /<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.\d+"|'1\.\d+')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([\w.-]+)"|'([\w.-]+)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/uy;
const OPEN = new RegExp(`<(${NAME})`, 'uy');
const ATTRIBUTE = new RegExp(`[ \\t\\r\\n]+(${NAME})[ \\t\\r\\n]*=[ \\t\\r\\n]*(?:"([^"<]*)"|'([^'<]*)')`, 'uy');
const OPEN_END = /[ \t\r\n]*(\/?)>/uy;
const CLOSE = new RegExp(`</(${NAME})[ \\t\\r\\n]*>`, 'uy');
const NO_CHARACTER = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]/u;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Reads the one element of a document. Throws an XmlError. */
export function readXml(bytes: Uint8Array): Element {
  return new Reader(decode(bytes)).document();
}

function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const label =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new XmlError(`it is not ${label}`, { cause: error });
  }
}

interface Open {
  readonly tag: string;
  readonly element: Element & { readonly children: (Element | string)[] };
  readonly scope: Scope;
}

const OUTERMOST = new Scope(
  new Map([
    ['', ''],
    ['xml', XML_NAMESPACE],
  ]),
);

class Reader {
  readonly #text: string;
  #at = 0;
  #elements = 0;

  constructor(text: string) {
    if (NO_CHARACTER.test(text)) throw new XmlError('it has characters that XML excludes');
    this.#text = text.replaceAll(/\r\n?/g, '\n');
  }

  document(): Element {
    const declaration = this.#match(DECLARATION);
    const encoding = declaration?.[1] ?? declaration?.[2];
    if (encoding !== undefined && !/^(?:utf-?8|utf-?16(?:le|be)?|us-ascii)$/i.test(encoding))
      throw new XmlError(`the encoding ${encoding} is not read`);
    this.#between();
    const root = this.#element();
    this.#between();
    if (this.#at < this.#text.length) throw new XmlError('something follows the element of the document');
    return root;
  }

  /** What may stand outside of the root element. */
  #between(): void {
    for (;;) {
      this.#match(/[ \t\n]+/uy);
      if (this.#match(COMMENT) === undefined && !this.#instruction()) return;
    }
  }

  #instruction(): boolean {
    const found = this.#match(INSTRUCTION);
    if (found?.[1]?.toLowerCase() === 'xml') throw new XmlError('the XML declaration is not where it belongs');
    return found !== undefined;
  }

  /** Reads an element with all that is in it, without recursion. */
  #element(): Element {
    const stack: Open[] = [];
    for (;;) {
      const opened = this.#open(stack.at(-1)?.scope ?? OUTERMOST);
      if (opened !== undefined) {
        stack.at(-1)?.element.children.push(opened.element);
        if (!opened.isEmpty) stack.push(opened);
        else if (stack.length === 0) return opened.element;
        if (stack.length > MAX_DEPTH) throw new XmlError(`elements are nested more than ${MAX_DEPTH} deep`);
        continue;
      }
      const current = stack.at(-1);
      if (current === undefined) throw new XmlError('an element is missing where one has to be');
      if (this.#content(current.element.children)) continue;
      if (this.#match(CLOSE)?.[1] !== current.tag) throw new XmlError(`<${current.tag}> is not closed`);
      stack.pop();
      if (stack.length === 0) return current.element;
    }
  }

  /** Reads one piece of content that is no element. */
  #content(children: (Element | string)[]): boolean {
    const text = this.#match(TEXT)?.[0];
    if (text?.includes(']]>') === true) throw new XmlError('"]]>" stands in a text');
    const piece = text === undefined ? this.#match(CDATA)?.[1] : unescaped(text);
    if (piece === undefined) return this.#match(COMMENT) !== undefined || this.#instruction();
    const last = children.length - 1;
    const before = children[last];
    if (typeof before === 'string') children[last] = before + piece;
    else children.push(piece);
    return true;
  }

  #open(outer: Scope): (Open & { readonly isEmpty: boolean }) | undefined {
    const tag = this.#match(OPEN)?.[1];
    if (tag === undefined) return undefined;
    if (++this.#elements > MAX_ELEMENTS) throw new XmlError(`there are more than ${MAX_ELEMENTS} elements`);
    const written = this.#attributes();
    const end = this.#match(OPEN_END);
    if (end === undefined) throw new XmlError(`<${tag}> is not well-formed`);
    const declared = declarationsIn(written);
    const scope = declared.length === 0 ? outer : new Scope(new Map(declared), outer);
    const attributes = attributesOf(written, scope);
    const element = { ...resolved(tag, scope, true), attributes, declared, children: [] };
    return { tag, element, scope, isEmpty: end[1] === '/' };
  }

  #attributes(): Map<string, string> {
    const written = new Map<string, string>();
    for (let found = this.#match(ATTRIBUTE); found !== undefined; found = this.#match(ATTRIBUTE)) {
      const [, name = '', double, single] = found;
      if (written.has(name)) throw new XmlError(`the attribute ${name} stands twice`);
      if (written.size === MAX_ATTRIBUTES) throw new XmlError(`an element has more than ${MAX_ATTRIBUTES} attributes`);
      written.set(name, unescaped((double ?? single ?? '').replaceAll(/[\t\n]/g, ' ')));
    }
    return written;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    return found;
  }
}

function declarationsIn(written: ReadonlyMap<string, string>): (readonly [string, string])[] {
  const declared: (readonly [string, string])[] = [];
  for (const [name, value] of written) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
    const prefix = name.slice('xmlns:'.length);
    const isReserved = prefix === 'xmlns' || (prefix === 'xml') !== (value === XML_NAMESPACE);
    if (isReserved || (name !== 'xmlns' && (value === '' || prefix === '')))
      throw new XmlError(`${name}="${value}" declares no namespace`);
    if (value.length > MAX_NAMESPACE) throw new XmlError(`a namespace has more than ${MAX_NAMESPACE} characters`);
    declared.push([prefix, value]);
  }
  return declared;
}

function attributesOf(written: ReadonlyMap<string, string>, scope: Scope): Attribute[] {
  const attributes: Attribute[] = [];
  for (const [name, value] of written) {
    if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
    const attribute = { ...resolved(name, scope, false), value };
    const isTwice = attributes.some((one) => one.name === attribute.name && one.namespace === attribute.namespace);
    if (isTwice) throw new XmlError(`the attribute ${name} stands twice`);
    attributes.push(attribute);
  }
  return attributes;
}

/** The namespace of a name; of names without a prefix only elements are in the default one. */
function resolved(written: string, scope: Scope, isElement: boolean) {
  const [first = '', second, ...more] = written.split(':');
  const [prefix, name] = second === undefined ? ['', first] : [first, second];
  if (more.length > 0 || name === '' || (second !== undefined && prefix === '') || !STARTS_NAME.test(name))
    throw new XmlError(`${written} is no qualified name`);
  const namespace = prefix === '' && !isElement ? '' : scope.get(prefix);
  if (namespace === undefined) throw new XmlError(`the prefix ${prefix} is not declared`);
  return { namespace, name, prefix };
}

const STARTS_NAME = new RegExp(`^[${START}]`, 'u');

/** A text with its references resolved. */
function unescaped(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(
    /&(?:(\w+)|#(\d{1,8})|#x([0-9a-fA-F]{1,6}));|&/g,
    (_, name?: string, ten?: string, hex?: string) => {
      if (name !== undefined && Object.hasOwn(ENTITIES, name)) return ENTITIES[name] ?? '';
      const code = ten === undefined ? Number.parseInt(hex ?? '', 16) : Number(ten);
      const character = code <= 0x10ffff ? String.fromCodePoint(code) : '\0';
      if (name !== undefined || NO_CHARACTER.test(character))
        throw new XmlError('a reference is to no character; entities are not read');
      return character;
    },
  );
}
