// The access log: a line for every response, written after it. Formatting and writing are apart, so that programs can use
// either: `accessLog({ format, write })` hands each line to a function.

import { checkAccessLogOptions } from '../check-options.ts';
import type { AccessLogEntry } from '../options.ts';
import { lineFormatter } from './access-log-format.ts';
import { descriptorLineWriter, fileLineWriter, type LineWriter } from './line-writer.ts';

export interface AccessLogOptions {
  /** `dev` for people, `common` and `combined` as Apache writes them, `json` for programs. @default 'combined' */
  readonly format?: 'dev' | 'common' | 'combined' | 'json' | undefined;
  /** A file to append to. It is made if it is not there. */
  readonly file?: string | undefined;
  /** Receives each line, without its end, in place of a file. @default standard output */
  readonly write?: ((line: string) => void) | undefined;
  /**
   * Called when lines cannot be written, once until they can be again; the lines are lost.
   *
   * @default a warning of the process
   */
  readonly onError?: ((error: Error) => void) | undefined;
  /** Whether `dev` colours the status. @default false */
  readonly useColor?: boolean | undefined;
}

/** Goes into `ServerOptions.accessLog`. */
export interface AccessLog {
  (entry: AccessLogEntry): void;
  /** Opens the file anew, for a log that was moved away. Throws when it cannot, and goes on with the old one. */
  reopen(): void;
  /** Writes what is left. Call it when the server has closed; wait for it before ending the process. */
  close(): Promise<void>;
}

/**
 * Makes an access log. Lines are collected for a moment and written together; when they cannot be written as fast as they
 * come, or at all, lines are dropped and counted, and requests go on.
 *
 * Throws an Error that names the file when it cannot be opened.
 *
 * @example
 * const log = accessLog({ format: 'json', file: 'access.log' });
 * const server = createServer({ root: 'public', accessLog: log });
 */
export function accessLog(options: AccessLogOptions = {}): AccessLog {
  checkAccessLogOptions(options);
  const { format = 'combined', useColor = false } = options;
  const line = lineFormatter(format, useColor);
  const writer = writerFor(options);
  const log = (entry: AccessLogEntry): void => writer.write(line(entry));
  return Object.assign(log, { reopen: () => writer.reopen(), close: () => writer.close() });
}

function writerFor({ file, write, onError = warn }: AccessLogOptions): LineWriter {
  if (file !== undefined) return fileLineWriter(file, onError);
  if (write === undefined) return descriptorLineWriter(1, onError);
  return { write, reopen: () => undefined, close: () => Promise.resolve() };
}

function warn({ message }: Error): void {
  process.emitWarning(message, { type: 'OnezeroWarning' });
}
