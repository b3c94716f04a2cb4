/** What went wrong with a request for a script. Each code has one status, see `statuses`. */
export type CgiErrorCode =
  | 'script-not-found'
  | 'script-forbidden'
  | 'method-not-allowed'
  | 'type-repeated'
  | 'length-required'
  | 'content-too-large'
  | 'content-broken'
  | 'fields-too-large'
  | 'content-unstored'
  | 'start-failed'
  | 'no-output'
  | 'bad-header'
  | 'content-cut'
  | 'killed'
  | 'backend-gone'
  | 'timed-out'
  | 'busy'
  | 'queue-full'
  | 'queue-timed-out'
  | 'closing'
  | 'client-gone';

const statuses: Readonly<Record<CgiErrorCode, number>> = {
  'script-not-found': 404,
  'script-forbidden': 403,
  'method-not-allowed': 405,
  'type-repeated': 400,
  'length-required': 411,
  'content-too-large': 413,
  'content-broken': 400,
  'fields-too-large': 431,
  'content-unstored': 507,
  'start-failed': 500,
  'no-output': 502,
  'bad-header': 502,
  'content-cut': 502,
  killed: 502,
  'backend-gone': 502,
  'timed-out': 504,
  busy: 503,
  'queue-full': 503,
  'queue-timed-out': 503,
  closing: 503,
  'client-gone': 400,
};

export interface CgiErrorDetails {
  readonly script?: string | undefined;
  /** The last lines that the script wrote to its standard error. */
  readonly stderr?: string | undefined;
  readonly cause?: unknown;
}

/** Why a script gave no proper answer. The text is for logs: it names files and must not reach a client. */
export class CgiError extends Error {
  override readonly name = 'CgiError';
  readonly code: CgiErrorCode;
  readonly status: number;
  readonly script: string | undefined;
  readonly stderr: string | undefined;

  constructor(code: CgiErrorCode, message: string, { script, stderr, cause }: CgiErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = statuses[code];
    this.script = script;
    this.stderr = stderr;
  }
}
