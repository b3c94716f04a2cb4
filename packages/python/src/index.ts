export { app, asgi, type PythonResponder, wsgi } from './application.ts';
export type {
  AppOptions,
  AsgiConcurrency,
  AsgiOptions,
  PythonConcurrency,
  PythonLimits,
  PythonLogEntry,
  PythonOptions,
  WsgiOptions,
} from './options.ts';
export { defaultProcesses } from './resolve-options.ts';
export { PythonError, type PythonErrorCode } from './python-error.ts';
export type { Interface } from './exchange/channel.ts';
export type { PoolState } from './workers/places.ts';
export type { LoadedApplication } from './workers/loaded.ts';
