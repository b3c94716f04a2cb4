/** Why a command did not start, or was ended by the one who started it. */
export type ProcessErrorCode =
  | 'not-found'
  | 'not-executable'
  | 'bad-interpreter'
  | 'bad-format'
  | 'file-busy'
  | 'bad-directory'
  | 'bad-argument'
  | 'argument-list-too-long'
  | 'too-many-files'
  | 'too-many-processes'
  | 'out-of-memory'
  | 'aborted'
  | 'output-too-long'
  | 'spawn-failed';

/** A command that could not be started, or that was ended before it ended itself. `code` is stable, the text is not. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly code: ProcessErrorCode;

  constructor(code: ProcessErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
