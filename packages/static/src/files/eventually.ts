// Values that are there at once or later. What is there at once is used at once, so that it can be answered in the same turn
// of the event loop.

export type Eventually<Value> = Value | Promise<Value>;

/** Calls `next` with the value: now if it is there, else when it comes. */
export function whenReady<Value, Result>(
  value: Eventually<Value>,
  next: (value: Value) => Eventually<Result>,
): Eventually<Result> {
  // oxlint-disable-next-line promise/no-callback-in-promise -- `next` is what `then` is for, not a callback of another style
  return value instanceof Promise ? value.then(next) : next(value);
}

/** What `use` gives; where it fails, now or later, what `instead` makes of that. */
export function orElse<Value>(use: () => Eventually<Value>, instead: (error: unknown) => Value): Eventually<Value> {
  try {
    const value = use();
    return value instanceof Promise ? value.catch(instead) : value;
  } catch (error) {
    return instead(error);
  }
}
