// What requests and properties are made of: elements, told apart by namespace and local name.

/** A name in a namespace; `''` is none. */
export interface QName {
  readonly namespace: string;
  readonly name: string;
}

export interface Attribute extends QName {
  /** As it was written; `''` for none. */
  readonly prefix: string;
  readonly value: string;
}

/** An element and all that is in it. Comments and processing instructions are not kept. */
export interface Element extends QName {
  readonly prefix: string;
  readonly attributes: readonly Attribute[];
  /** Prefixes that the element itself declares: values may hold names with these prefixes in their text. */
  readonly declared: readonly (readonly [prefix: string, namespace: string])[];
  readonly children: readonly (Element | string)[];
}

export const DAV = 'DAV:';
export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

/**
 * Which namespace a prefix stands for. Each element that declares some has one of its own around which the outer one stands, so that
 * nothing is copied, however many are declared.
 */
export class Scope {
  readonly #own: ReadonlyMap<string, string>;
  readonly #outer: Scope | undefined;

  constructor(own: ReadonlyMap<string, string>, outer?: Scope) {
    this.#own = own;
    this.#outer = outer;
  }

  get(prefix: string): string | undefined {
    return this.#own.get(prefix) ?? this.#outer?.get(prefix);
  }
}

/** The elements in an element. */
export function elementsOf({ children }: Element): readonly Element[] {
  return children.filter((child) => typeof child !== 'string');
}

/** The first child of this name in `DAV:`. */
export function davChild(element: Element, name: string): Element | undefined {
  return elementsOf(element).find((child) => isDav(child, name));
}

export function isDav({ namespace, name }: QName, wanted: string): boolean {
  return namespace === DAV && name === wanted;
}

/** One text for a name, for maps and sets. No namespace or name has a blank. */
export function keyOf({ namespace, name }: QName): string {
  return `${namespace} ${name}`;
}
