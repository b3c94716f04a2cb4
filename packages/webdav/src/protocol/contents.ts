// The XML that requests carry: PROPFIND, PROPPATCH and LOCK (RFC 4918 §14). What is not known in them is ignored (§17).

import type { DavRequest } from '../message.ts';
import { refused } from '../refusals.ts';
import { DAV, davChild, type Element, elementsOf, isDav, keyOf, type QName, XML_NAMESPACE } from '../xml/element.ts';
import { readXml, XmlError } from '../xml/reader.ts';
import { writeName } from '../xml/writer.ts';
import { fieldValue } from './fields.ts';

/** Which properties PROPFIND is asked for. */
export type Wanted =
  | { readonly kind: 'all'; readonly include: readonly QName[] }
  | { readonly kind: 'names' }
  | { readonly kind: 'some'; readonly names: readonly QName[] };

/** One step of PROPPATCH. */
export type Change =
  | { readonly kind: 'set'; readonly property: Element }
  | { readonly kind: 'remove'; readonly property: QName };

/** The lock that LOCK asks for. */
export interface LockWish {
  readonly scope: 'exclusive' | 'shared';
  /** The `DAV:owner` element, if there is one. */
  readonly owner: Element | undefined;
}

/** More names than any client asks for; each is looked up for each resource. */
const MAX_NAMES = 1_000;

/** What may be said of each member of a collection that has none of what is asked for: with a thousand short names 40,000. */
const MAX_NAMES_CHARACTERS = 65_536;

/** The element that a request carries; undefined for none. Throws a refusal with 400, 413 or 415. */
export async function readContent(request: DavRequest, maxBytes: number): Promise<Element | undefined> {
  if (request.contentLength === 0 || request.content === undefined) return undefined;
  const coding = fieldValue(request.fields, 'content-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'identity') throw refused(415, `Content-Encoding: ${coding}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of arriving(request.content)) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw refused(413, `the content has more than ${maxBytes} bytes`);
    chunks.push(Uint8Array.from(chunk));
  }
  if (bytes === 0) return undefined;
  try {
    return readXml(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof XmlError) throw refused(400, `the content is no XML: ${error.message}`);
    throw error;
  }
}

/** What the content of a request threw, told from what else can fail. */
export class ContentFailed extends Error {}

async function* arriving(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* content;
  } catch (error) {
    throw new ContentFailed('the content broke off', { cause: error });
  }
}

/** PROPFIND; without content it asks for all properties. */
export function wantedBy(element: Element | undefined): Wanted {
  if (element === undefined) return { kind: 'all', include: [] };
  expect(element, 'propfind');
  const some = davChild(element, 'prop');
  if (some !== undefined) return { kind: 'some', names: namesIn(some) };
  if (davChild(element, 'propname') !== undefined) return { kind: 'names' };
  if (davChild(element, 'allprop') === undefined) throw refused(400, 'propfind has neither prop, propname nor allprop');
  const include = davChild(element, 'include');
  return { kind: 'all', include: include === undefined ? [] : namesIn(include) };
}

function namesIn(element: Element): readonly QName[] {
  const names = new Map<string, QName>();
  for (const { namespace, name } of elementsOf(element)) names.set(keyOf({ namespace, name }), { namespace, name });
  if (names.size > MAX_NAMES) throw refused(400, `more than ${MAX_NAMES} properties`);
  const all = [...names.values()];
  const characters = all.reduce((sum, name) => sum + writeName(name).length, 0);
  if (characters > MAX_NAMES_CHARACTERS) throw refused(400, 'the names of the properties are too long');
  return all;
}

/** PROPPATCH, in the order in which the steps are to be done. */
export function changesIn(element: Element | undefined): readonly Change[] {
  if (element === undefined) throw refused(400, 'the content has no propertyupdate');
  expect(element, 'propertyupdate');
  const changes: Change[] = [];
  for (const step of elementsOf(element)) {
    const kind = isDav(step, 'set') ? 'set' : isDav(step, 'remove') ? 'remove' : undefined;
    const prop = kind === undefined ? undefined : davChild(step, 'prop');
    if (kind === undefined) continue;
    if (prop === undefined) throw refused(400, `${kind} has no prop`);
    for (const property of elementsOf(prop)) {
      if (kind === 'remove') changes.push({ kind, property });
      else changes.push({ kind, property: withLanguage(property, [prop, step, element]) });
    }
  }
  if (changes.length === 0) throw refused(400, 'propertyupdate changes nothing');
  if (changes.length > MAX_NAMES) throw refused(400, `more than ${MAX_NAMES} properties`);
  return changes;
}

/** The language of what is around a property is the property's own from now on (RFC 4918 §4.3). */
function withLanguage(property: Element, around: readonly Element[]): Element {
  const language = [property, ...around].map(languageOf).find((found) => found !== undefined);
  if (language === undefined || languageOf(property) !== undefined) return property;
  return { ...property, attributes: [...property.attributes, language] };
}

function languageOf({ attributes }: Element) {
  return attributes.find(({ namespace, name }) => namespace === XML_NAMESPACE && name === 'lang');
}

/** LOCK; undefined without content, which asks for a lock to be refreshed. */
export function lockWishIn(element: Element | undefined): LockWish | undefined {
  if (element === undefined) return undefined;
  expect(element, 'lockinfo');
  const scope = davChild(element, 'lockscope');
  const type = davChild(element, 'locktype');
  if (scope === undefined || type === undefined) throw refused(400, 'lockinfo has no lockscope or no locktype');
  if (davChild(type, 'write') === undefined) throw refused(422, 'only write locks are known');
  const isExclusive = davChild(scope, 'exclusive') !== undefined;
  if (isExclusive === (davChild(scope, 'shared') !== undefined))
    throw refused(422, 'the scope is neither exclusive nor shared');
  return { scope: isExclusive ? 'exclusive' : 'shared', owner: davChild(element, 'owner') };
}

function expect(element: Element, name: string): void {
  if (!isDav(element, name)) throw refused(400, `expected ${name} in ${DAV}, not ${element.name}`);
}
