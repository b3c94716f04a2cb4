/** An error may carry the status it stands for, as parse, content and gateway errors do; others are ours: 500. */
export function failureStatus(cause: unknown): number {
  if (!(cause instanceof Error) || !('status' in cause)) return 500;
  const { status } = cause;
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599 ? status : 500;
}
