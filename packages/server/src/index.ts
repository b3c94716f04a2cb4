export { createServer } from './create-server.ts';
export type {
  ContentOut,
  Field,
  FieldsHook,
  Peer,
  RequestMessage,
  Responder,
  ResponseLike,
  ResponseMessage,
} from './message/message.ts';
export type { RequestEndMessage, RequestErrorMessage, RequestStartMessage } from './diagnostics.ts';
export type { Method, Route, Server, ServerOptions, StopOptions } from './options.ts';
export { fetchResponder, type FetchApplication, type FetchInfo } from './responders/fetch.ts';
export { nodeResponder, type NodeApplication } from './responders/node.ts';
export { proxyResponder, type ProxyOptions } from './proxy/proxy.ts';
export { accessLog, type AccessLog, type AccessLogOptions } from './operations/access-log.ts';
export {
  addUpMetrics,
  createMetrics,
  type Health,
  healthResponder,
  type Metrics,
  metricsResponder,
  type MetricsSnapshot,
} from './operations/metrics.ts';
export {
  type CountedServer,
  startWorkers,
  type WorkerContext,
  type WorkerGroup,
  type WorkerModule,
  type WorkersOptions,
} from './operations/worker-group.ts';
export { type CertificateFiles, type CertificateWatch, readCertificate, watchCertificate } from './operations/tls.ts';
