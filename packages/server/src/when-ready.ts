// Answers may be there at once or later. What is there at once stays in this turn of the loop, so that it is written in it.

/** Goes on with the value, now or when it has come; with what was rejected, if it was. */
export function whenReady<Value, Result>(
  value: Value | PromiseLike<Value>,
  proceed: (value: Value) => Result | Promise<Result>,
  recover: (error: unknown) => Result | Promise<Result>,
): Result | Promise<Result> {
  return isPromiseLike(value) ? Promise.resolve(value).then(proceed, recover) : proceed(value);
}

export function isPromiseLike<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof (value as { then: unknown }).then === 'function'
  );
}
