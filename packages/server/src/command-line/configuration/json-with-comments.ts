// JSON with comments and trailing commas, read with the place of every key kept, because an error that says
// `onezero.config.json:7:3` is one that can be mended. JSON.parse cannot be used for it: on some supported Node versions
// its messages hold no position. Strings and numbers are still handed to JSON.parse, so their grammar is its own.

/** A place in a text, both counted from 1; a column counts UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A value and where each of its parts stands: `''` the whole, `a.b.0` the first item of member `b` of member `a`. */
export interface PlacedJson {
  readonly value: unknown;
  readonly places: ReadonlyMap<string, Place>;
}

/** Text that is not JSON with comments. The message says what was expected; `place` says where. */
export class JsonTextError extends Error {
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.name = 'JsonTextError';
    this.place = place;
  }
}

// Deeper nesting than any configuration has; it keeps a hostile or broken file from exhausting the stack.
const MAX_DEPTH = 64;
const BLANK = /(?:[ \t\r\n\ufeff]|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const LITERAL = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;

/** Reads JSON in which comments of both kinds and a comma before a closing bracket may stand. Throws `JsonTextError`. */
export function parseJsonWithComments(text: string): PlacedJson {
  const reader = new JsonReader(text);
  const value = reader.readDocument();
  return { value, places: reader.places };
}

class JsonReader {
  readonly places: Map<string, Place> = new Map();
  readonly #text: string;
  #offset = 0;
  /** The line that the last place was in, and where it begins and ends. */
  #line = 1;
  #lineStart = 0;
  #lineEnd: number;

  constructor(text: string) {
    this.#text = text;
    this.#lineEnd = text.indexOf('\n');
  }

  readDocument(): unknown {
    const value = this.#readValue('', 0);
    this.#skipBlank();
    if (this.#offset < this.#text.length) this.#fail('expected the end of the file');
    return value;
  }

  #readValue(path: string, depth: number): unknown {
    this.#skipBlank();
    if (!this.places.has(path)) this.places.set(path, this.#place());
    if (depth > MAX_DEPTH) this.#fail(`nested deeper than ${MAX_DEPTH} levels`);
    const character = this.#text[this.#offset];
    if (character === '{') return this.#readObject(path, depth);
    if (character === '[') return this.#readArray(path, depth);
    if (character === '"') return this.#readString();
    return JSON.parse(this.#take(LITERAL) ?? this.#fail('expected a value'));
  }

  #readObject(path: string, depth: number): Record<string, unknown> {
    // Without a prototype, so that "__proto__" is a key like any other.
    const object: Record<string, unknown> = Object.create(null);
    this.#offset++;
    while (!this.#closes('}')) {
      const place = this.#place();
      const name = this.#readString();
      if (Object.hasOwn(object, name)) this.#fail(`"${name}" stands here twice`, place);
      const memberPath = path === '' ? name : `${path}.${name}`;
      this.places.set(memberPath, place);
      this.#skipBlank();
      if (this.#text[this.#offset] !== ':') this.#fail('expected ":"');
      this.#offset++;
      object[name] = this.#readValue(memberPath, depth + 1);
      this.#separator('}');
    }
    return object;
  }

  #readArray(path: string, depth: number): unknown[] {
    const items: unknown[] = [];
    this.#offset++;
    while (!this.#closes(']')) {
      items.push(this.#readValue(path === '' ? `${items.length}` : `${path}.${items.length}`, depth + 1));
      this.#separator(']');
    }
    return items;
  }

  #readString(): string {
    return JSON.parse(this.#take(STRING) ?? this.#fail('expected a string in double quotes'));
  }

  #closes(bracket: string): boolean {
    this.#skipBlank();
    if (this.#text[this.#offset] !== bracket) return false;
    this.#offset++;
    return true;
  }

  #separator(bracket: string): void {
    this.#skipBlank();
    if (this.#text[this.#offset] === ',') this.#offset++;
    else if (this.#text[this.#offset] !== bracket) this.#fail(`expected "," or "${bracket}"`);
  }

  #skipBlank(): void {
    this.#take(BLANK);
    if (this.#text.startsWith('/*', this.#offset)) this.#fail('this comment does not end');
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const matched = pattern.exec(this.#text)?.[0];
    this.#offset += matched?.length ?? 0;
    return matched;
  }

  #place(): Place {
    // Reading only goes forward, so lines are counted once.
    while (this.#lineEnd !== -1 && this.#lineEnd < this.#offset) {
      this.#line++;
      this.#lineStart = this.#lineEnd + 1;
      this.#lineEnd = this.#text.indexOf('\n', this.#lineStart);
    }
    return { line: this.#line, column: this.#offset - this.#lineStart + 1 };
  }

  #fail(message: string, place: Place = this.#place()): never {
    throw new JsonTextError(message, place);
  }
}
