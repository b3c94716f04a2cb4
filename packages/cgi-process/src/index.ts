export type { CgiConcurrency, CgiLimits, CgiOptions, CgiResponder, StderrSink } from './cgi-options.ts';
export type { CgiRequest, CgiResponse, Field, Peer } from './message.ts';
export { ProcessError } from './process-error.ts';
export type { ProcessErrorCode } from './process-error.ts';
export type { ByteSink, Exit, ProcessOptions, UnixProcess } from './process-options.ts';
