// What the system says, as opposed to faults of ours.

/** The code of an error of the system; undefined for anything else. */
export function codeOf(value: unknown): unknown {
  return value instanceof Error && 'code' in value ? value.code : undefined;
}

/** Throws what is no error of the system. */
export function throwOurs(error: unknown): asserts error is Error {
  if (codeOf(error) === undefined) throw error;
}
