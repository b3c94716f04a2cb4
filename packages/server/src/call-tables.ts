// What functions and methods beside `createServer` take.

import type { Shape, Table } from '@onezero/static/options';
import type { AccessLogOptions } from './operations/access-log.ts';
import type { CertificateFiles, CertificateWatch } from './operations/tls.ts';
import type { WorkersOptions } from './operations/worker-group.ts';
import { anyText, callable, file, flag, methodName, text, texts } from './option-shapes.ts';
import type { Listener, NamedCertificate, Question, StopOptions, TlsOptions } from './options.ts';
import type { ProxyOptions } from './proxy/proxy.ts';

const pem: Shape = {
  type: 'text',
  pattern: /-----BEGIN /,
  expects: 'PEM text (of files, readCertificate({ cert, key }) makes it)',
};

const namedCertificateTable: Table<NamedCertificate> = {
  cert: { shape: pem, summary: 'the certificate chain as PEM text', isRequired: true },
  key: { shape: pem, summary: 'its key as PEM text', isRequired: true },
  passphrase: { shape: anyText, summary: 'of the key' },
  hosts: { shape: texts, summary: 'the hosts that it is for' },
};

const tlsTable: Table<TlsOptions> = {
  cert: { shape: pem, summary: 'the certificate chain as PEM text', isRequired: true },
  key: { shape: pem, summary: 'its key as PEM text', isRequired: true },
  passphrase: { shape: anyText, summary: 'of the key' },
  minVersion: {
    shape: { type: 'choice', values: ['TLSv1.2', 'TLSv1.3'] },
    summary: 'the oldest version that is spoken',
  },
  ciphers: { shape: text, summary: 'cipher suites in the notation of OpenSSL' },
  others: {
    shape: { type: 'list', item: { type: 'object', members: namedCertificateTable } },
    summary: 'certificates for other hosts',
  },
};

/** The options of `accessLog`. */
export const accessLogTable: Table<AccessLogOptions> = {
  format: {
    shape: { type: 'choice', values: ['dev', 'common', 'combined', 'json'] },
    summary: 'the form of a line',
    default: 'combined',
  },
  file: { shape: file, summary: 'appended to', alsoCalled: ['path'] },
  write: { shape: callable('a function that takes a line'), summary: 'takes each line' },
  onError: { shape: callable('a function that takes an error'), summary: 'learns that lines are lost' },
  useColor: { shape: flag, summary: 'whether dev colours the status', default: false },
};

/** Where `listen` listens. */
export const listenerTable: Table<Listener> = {
  port: { shape: { type: 'integer', minimum: 0, maximum: 65_535 }, summary: 'the port', default: 8080 },
  host: {
    shape: text,
    summary: 'the name or address',
    default: 'localhost',
    alsoCalled: ['hostname', 'address', 'bind', 'interface'],
  },
  socket: { shape: file, summary: 'a Unix socket', alsoCalled: ['path', 'unix', 'socketPath'] },
  fd: {
    shape: {
      type: 'either',
      shapes: [
        { type: 'integer', minimum: 0 },
        { type: 'list', item: { type: 'integer', minimum: 0 }, minimum: 1 },
      ],
    },
    summary: 'sockets that are bound already',
  },
  tls: {
    shape: { type: 'object', members: tlsTable },
    summary: 'the certificate',
    alsoCalled: ['https', 'ssl', 'secure', 'certificate', 'cert', 'key'],
  },
};

/** The options of `startWorkers`. */
export const workersTable: Table<WorkersOptions> = {
  module: {
    shape: {
      type: 'either',
      shapes: [
        { type: 'text', pattern: /^(?:\/|file:|[A-Za-z]:\\)/, expects: 'an absolute path' },
        { type: 'instance', name: 'URL' },
      ],
    },
    summary: 'the module whose default export makes the server',
    isRequired: true,
  },
  count: {
    shape: { type: 'integer', minimum: 1, maximum: 1024 },
    summary: 'how many workers there are',
    alsoCalled: ['workers', 'processes'],
  },
  listen: {
    shape: {
      type: 'either',
      shapes: [
        { type: 'integer', minimum: 0, maximum: 65_535 },
        { type: 'object', members: listenerTable },
        { type: 'list', item: { type: 'object', members: listenerTable }, minimum: 1 },
      ],
    },
    summary: 'where they accept connections',
  },
  report: { shape: callable('a function that takes a line'), summary: 'receives a line about each worker that ended' },
};

/** The options of `proxyResponder`. */
export const proxyTable: Table<ProxyOptions> = {
  target: { shape: text, summary: 'the upstream, such as http://localhost:3000', isRequired: true },
  host: { shape: { type: 'choice', values: ['client', 'upstream'] }, summary: 'which Host field the upstream gets' },
  connectTimeoutMs: { shape: { type: 'integer', minimum: 1 }, summary: 'for a connection', default: 10_000 },
};

/** What `close` takes. */
export const stopTable: Table<StopOptions> = {
  graceMs: {
    shape: { type: 'duration', unit: 'milliseconds', isUnlimited: true },
    summary: 'for answers under way',
    alsoCalled: ['timeout'],
  },
  drainDelayMs: {
    shape: { type: 'duration', unit: 'milliseconds', isUnlimited: true },
    summary: 'in which connections are still accepted',
  },
};

/** What `explain` takes. */
export const questionTable: Table<Question> = {
  target: { shape: text, summary: 'as in a request line', isRequired: true, alsoCalled: ['path', 'url'] },
  method: { shape: methodName, summary: 'the method', default: 'GET' },
};

/** What `readCertificate` takes; with hosts where there are several. */
export const certificateFilesTable: Table<CertificateFiles & { readonly hosts?: readonly string[] | undefined }> = {
  cert: { shape: file, summary: 'the certificate chain in PEM form', isRequired: true },
  key: { shape: file, summary: 'the private key of the certificate (PEM)', isRequired: true },
  passphraseFile: { shape: file, summary: 'holds the passphrase of the key', alsoCalled: ['passphrase'] },
  hosts: { shape: texts, summary: 'the hosts that it is for' },
};

/** What `watchCertificate` takes. */
export const certificateWatchTable: Table<CertificateWatch> = {
  onChange: { shape: callable('a function that takes the certificate'), summary: 'uses it', isRequired: true },
  onError: { shape: callable('a function that takes an error'), summary: 'sees what is wrong', isRequired: true },
  intervalMs: { shape: { type: 'integer', minimum: 1 }, summary: 'between two looks', default: 2000 },
  since: { shape: anyText, summary: 'the state of the files when they were last read' },
};
