import type { CgiResponse } from '@onezero/cgi-process';

/** What can go wrong between a request and its Python application. */
export type PythonErrorCode =
  | 'start-failed'
  | 'start-timed-out'
  | 'no-worker'
  | 'queue-full'
  | 'queue-timed-out'
  | 'closing'
  | 'application-failed'
  | 'content-cut'
  | 'worker-died'
  | 'bad-worker'
  | 'timed-out'
  | 'client-gone'
  | 'content-unstored';

const statuses: Readonly<Record<PythonErrorCode, number>> = {
  'start-failed': 503,
  'start-timed-out': 503,
  'no-worker': 503,
  'queue-full': 503,
  'queue-timed-out': 503,
  closing: 503,
  'application-failed': 500,
  'content-cut': 500,
  'worker-died': 502,
  'bad-worker': 502,
  'timed-out': 504,
  'client-gone': 400,
  'content-unstored': 507,
};

/** Suggested to clients that are sent away, in seconds: about the time in which a queue moves on or a worker starts. */
const RETRY_AFTER = '2';

/** A failure with a stable `code` and the status it is answered with, if nothing was sent yet. */
export class PythonError extends Error {
  override readonly name = 'PythonError';
  readonly code: PythonErrorCode;
  readonly status: number;
  /** What Python had to say, usually a traceback; empty when it said nothing. For logs, never for a client. */
  readonly detail: string;

  constructor(code: PythonErrorCode, message: string, detail = '', options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = statuses[code];
    this.detail = detail;
  }

  /** A bare status with this as its cause; 503 suggests to try again. */
  response(): CgiResponse {
    return { status: this.status, fields: this.status === 503 ? [['retry-after', RETRY_AFTER]] : [], cause: this };
  }
}
