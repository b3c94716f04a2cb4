// The terms in which the table of options is written. Shapes are data: the checker interprets them, and so do the command and
// the documents. A `duration` counts in its unit, a `size` in bytes.

/** What values an option takes. */
export type Shape =
  | { readonly type: 'boolean' }
  | { readonly type: 'nothing' }
  | { readonly type: 'integer'; readonly minimum: number; readonly maximum?: number; readonly isUnlimited?: boolean }
  | {
      readonly type: 'text';
      readonly pattern?: RegExp;
      /** What the text has to be, in words that complete "expected …". */
      readonly expects?: string;
      /** Checks what a pattern cannot; says what was expected instead, or nothing. */
      readonly refuse?: (text: string) => string | undefined;
    }
  | { readonly type: 'number'; readonly expects: string }
  | { readonly type: 'path' }
  | { readonly type: 'choice'; readonly values: readonly (string | number | boolean)[] }
  | { readonly type: 'duration'; readonly unit: 'seconds' | 'milliseconds'; readonly isUnlimited?: boolean }
  | { readonly type: 'size'; readonly isUnlimited?: boolean }
  | { readonly type: 'function'; readonly expects: string }
  | { readonly type: 'list'; readonly item: Shape; readonly minimum?: number }
  | { readonly type: 'map'; readonly value: Shape; readonly key?: RegExp; readonly expects?: string }
  | { readonly type: 'object'; readonly members: Members; readonly required?: readonly string[] }
  | { readonly type: 'either'; readonly shapes: readonly Shape[] };

/** One option: what it takes, one line on what it is for, and what holds when it is left out. */
export interface Member<Value = unknown> {
  readonly shape: Shape;
  readonly summary: string;
  readonly default?: Exclude<Value, undefined>;
}

/** The members of an object, by name. */
export type Members = Readonly<Record<string, Member>>;

/** A table that has an entry for each member of an options type. */
export type Table<Options> = { readonly [Name in keyof Options]-?: Member<Options[Name]> };

/** Options of which none is left open. */
export type Complete<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };
