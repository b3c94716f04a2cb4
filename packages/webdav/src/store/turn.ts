// Whoever changes names, properties or locks below a root has the turn of the root: one at a time, in all processes.
//
// What takes long is done before or after: content arrives, trees are copied and removed beside what is visible, and in the turn
// there are a few renames. Within a process requests wait in line here, so that processes compete and not requests.

import type { SiteTree } from '@onezero/static/tree';

export class Turn {
  readonly #tree: SiteTree;
  #last: Promise<unknown> = Promise.resolve();

  constructor(tree: SiteTree) {
    this.#tree = tree;
  }

  /** Runs an action alone. Rejects with what it throws, or with a refusal with 503 when other processes keep the turn. */
  run<Value>(action: () => Promise<Value>): Promise<Value> {
    const result = this.#last.then(() => this.#tree.inTurn('webdav', action));
    this.#last = result.catch(() => {});
    return result;
  }
}
