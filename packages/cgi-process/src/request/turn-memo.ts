// What was looked up stays known until the loop turns: requests that come together ask for the same file, and a look at it costs as
// much as all else that is decided about a request.

/** Keeps what `make` gives for a key until the loop turns. What it throws is not kept. */
export function forTurn<Value>(make: (key: string) => Value): (key: string) => Value {
  let known = new Map<string, Value>();
  // Not `clear`: what a cleared map has been keeps alive what it becomes.
  const forget = (): void => {
    known = new Map();
  };
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const value = make(key);
    if (known.size === 0) setImmediate(forget);
    known.set(key, value);
    return value;
  };
}
