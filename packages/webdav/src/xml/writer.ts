// Writes elements so that each stands for itself: every prefix that it uses is declared in it, whatever is around it.

import { DAV, type Element, type QName, Scope, XML_NAMESPACE } from './element.ts';

/** A text as content of an element or value of an attribute. */
export function escapeXml(text: string): string {
  if (!/[&<>"\t\n\r]/.test(text)) return text;
  return text.replaceAll(/[&<>"\t\r]/g, (character) => ESCAPES[character] ?? character);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // Written as they are, these would be read as blanks, or as a line feed.
  '\t': '&#9;',
  '\r': '&#13;',
};

/** The prefix that responses declare for `DAV:`, on their outermost element. */
const DAV_PREFIX = 'D';

const INITIAL = new Scope(new Map([['xml', XML_NAMESPACE]]));

/** An element as text. */
export function writeElement(element: Element): string {
  return write(element, INITIAL);
}

function write(element: Element, outer: Scope): string {
  const own = new Map<string, string>();
  const scope = new Scope(own, outer);
  const declarations: string[] = [];
  const declare = (prefix: string, namespace: string): void => {
    own.set(prefix, namespace);
    declarations.push(` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(namespace)}"`);
  };
  for (const [prefix, namespace] of element.declared) if (outer.get(prefix) !== namespace) declare(prefix, namespace);
  if ((scope.get(element.prefix) ?? '') !== element.namespace) declare(element.prefix, element.namespace);
  const attributes = element.attributes.map(({ prefix, namespace, name, value }) => {
    if (prefix !== '' && scope.get(prefix) !== namespace) declare(prefix, namespace);
    return ` ${prefix === '' ? '' : `${prefix}:`}${name}="${escapeAttribute(value)}"`;
  });
  const tag = `${element.prefix === '' ? '' : `${element.prefix}:`}${element.name}`;
  const head = `<${tag}${declarations.join('')}${attributes.join('')}`;
  if (element.children.length === 0) return `${head}/>`;
  const content = element.children.map((child) =>
    typeof child === 'string' ? escapeXml(child) : write(child, own.size === 0 ? outer : scope),
  );
  return `${head}>${content.join('')}</${tag}>`;
}

function escapeAttribute(text: string): string {
  return escapeXml(text).replaceAll('\n', '&#10;');
}

/** A name as an empty element, or around a content that is XML already. */
export function writeName({ namespace, name }: QName, content = ''): string {
  const [tag, declaration] =
    namespace === DAV
      ? [`${DAV_PREFIX}:${name}`, '']
      : namespace === ''
        ? [name, '']
        : [`n:${name}`, ` xmlns:n="${escapeAttribute(namespace)}"`];
  return content === '' ? `<${tag}${declaration}/>` : `<${tag}${declaration}>${content}</${tag}>`;
}

/** What a whole document begins with; its elements in `DAV:` have the prefix `D`. */
export const XML_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n';
