// The answer to a plain GET of a small page, for a caller that is done with it at once.
//
// Its fields are made when somebody asks for them: a caller that finds its own lines of them kept beside the content never does.

import type { Field, LineStore, StaticResponse } from '../message.ts';

/** What a page is made of. */
export interface PageSource extends LineStore {
  readonly fields: readonly Field[];
  /** Whether there is a place to keep lines at. */
  readonly isOnShelf: boolean;
}

/** `fields` and `lines` are the class's, so that copies made by spreading have neither. */
export class LentPage implements StaticResponse {
  readonly status = 200;
  readonly isLent = true;
  readonly content: Uint8Array;
  readonly #source: PageSource;

  constructor(content: Uint8Array, source: PageSource) {
    this.content = content;
    this.#source = source;
  }

  get fields(): readonly Field[] {
    return this.#source.fields;
  }

  get lines(): LineStore | undefined {
    return this.#source.isOnShelf ? this.#source : undefined;
  }
}
