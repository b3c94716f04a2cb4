// The terms in which tables of options are written. Shapes are data: `check-options.ts` interprets them, and so may a command
// or a document. A `duration` counts in milliseconds and a `size` in bytes, as the names of the options say.

/** What values an option takes. */
export type Shape =
  | { readonly type: 'boolean' }
  | { readonly type: 'nothing' }
  | { readonly type: 'integer'; readonly minimum: number; readonly maximum?: number }
  | { readonly type: 'text'; readonly pattern?: RegExp; readonly expects?: string }
  | { readonly type: 'path' }
  | { readonly type: 'choice'; readonly values: readonly (string | boolean)[] }
  | { readonly type: 'duration'; readonly isUnlimited?: boolean }
  | { readonly type: 'size'; readonly isUnlimited?: boolean }
  | { readonly type: 'function'; readonly expects: string }
  | { readonly type: 'list'; readonly item: Shape; readonly minimum?: number }
  | { readonly type: 'map'; readonly value: Shape; readonly key?: RegExp; readonly expects?: string }
  | { readonly type: 'object'; readonly members: Members }
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
