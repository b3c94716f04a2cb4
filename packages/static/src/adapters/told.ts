// A hook of the program around us that is told of an error.

/** Tells of an error. Where that fails, now or later, the request has its answer all the same. */
export function told(tell: () => unknown): void {
  try {
    const telling = tell();
    if (telling instanceof Promise) telling.catch(() => {});
  } catch {
    // Nobody is left to be told.
  }
}
