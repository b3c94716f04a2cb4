export type { Field, StaticRequest, StaticResponse } from './message.ts';

/** How files are served. */
export interface StaticOptions {
  /** @default ['index.html'] */
  readonly index?: readonly string[] | undefined;
}
