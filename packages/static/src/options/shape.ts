// The terms in which tables of options are written. Shapes are data: the checker beside this file interprets them, and so do
// the command, its JSON schema and the documents. A `duration` counts in its unit, a `size` in bytes.
//
// This file, checks.ts and nearest.ts stand in several packages, since leaves do not depend on one another. The copies are
// the same to the byte; a test holds them so.

/**
 * What values an option takes. `isUnlimited` adds Infinity. A `program` is a path, or a bare name to be looked for in PATH. An
 * `instance` is an object that the platform makes, such as an AbortSignal.
 */
export type Shape =
  | { readonly type: 'boolean' }
  | { readonly type: 'nothing' }
  | { readonly type: 'integer'; readonly minimum: number; readonly maximum?: number; readonly isUnlimited?: boolean }
  | { readonly type: 'number'; readonly expects: string }
  | {
      readonly type: 'text';
      /** Without one, a text that is not empty. */
      readonly pattern?: RegExp;
      /** What the text has to be, in words that complete "expected …". */
      readonly expects?: string;
      /** Checks what a pattern cannot; says what was expected instead, or nothing. */
      readonly refuse?: (text: string) => string | undefined;
    }
  | { readonly type: 'path' }
  | { readonly type: 'program' }
  | { readonly type: 'choice'; readonly values: readonly (string | number | boolean)[] }
  | { readonly type: 'duration'; readonly unit: 'seconds' | 'milliseconds'; readonly isUnlimited?: boolean }
  | { readonly type: 'size'; readonly isUnlimited?: boolean }
  | { readonly type: 'function'; readonly expects: string }
  | { readonly type: 'instance'; readonly name: string }
  | { readonly type: 'list'; readonly item: Shape; readonly minimum?: number; readonly expects?: string }
  | { readonly type: 'map'; readonly value: Shape; readonly key?: RegExp; readonly expects?: string }
  | { readonly type: 'object'; readonly members: Members }
  | { readonly type: 'either'; readonly shapes: readonly Shape[] };

/** One option: what it takes, one line on what it is for, and what holds when it is left out. */
export interface Member<Value = unknown> {
  readonly shape: Shape;
  readonly summary: string;
  readonly default?: Exclude<Value, undefined>;
  /** Whether it must not be left out. */
  readonly isRequired?: boolean;
  /** What others call it: not taken, but understood in the message. */
  readonly alsoCalled?: readonly string[];
}

/** The members of an object, by name. */
export type Members = Readonly<Record<string, Member>>;

/** A table that has an entry for each member of an options type. */
export type Table<Options> = { readonly [Name in keyof Options]-?: Member<Options[Name]> };

/** Options of which none is left open. */
export type Complete<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };
