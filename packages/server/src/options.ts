// Everything a server can be told, in one typed set. The command line, the configuration file and the environment all
// end up as one of these; nothing in the server is decided by a literal that is not a default named here or beside it.
//
// This file holds shapes only. `compose.ts` turns the "what is served" half into routes; `server.ts` uses the rest.

import type { CgiOptions } from '@onezero/cgi-process';
import type { GatewayOptions, PhpOptions } from '@onezero/cgi-process/fastcgi';
import type { StaticOptions } from '@onezero/static';
import type { WebdavMountOptions } from '@onezero/webdav/node';
import type { AppOptions, AsgiOptions, LoadedApplication, WsgiOptions } from '@onezero/python';
import type { ProxyOptions } from './proxy/proxy.ts';
import type { AnswerListener, Field, FieldsHook, RequestMessage, Responder, ResponseLike } from './message/message.ts';

/**
 * A responder and the requests it is for. Routes with a host go before those without, then the longest matching prefix wins;
 * with equal prefixes, the first.
 */
export interface Route {
  /** What `explain` calls it, such as `files in ./public`. */
  readonly name?: string | undefined;
  /** A path prefix that matches on segment edges: `/a` takes `/a` and `/a/b`, never `/ab`. @default '/' */
  readonly path?: string | undefined;
  /** Only requests for this host (without port, any case; `*.example.org` takes subdomains). @default any */
  readonly host?: string | undefined;
  /** The methods it takes; others get 405 with Allow, unless another route for this path takes them. @default all */
  readonly methods?: readonly string[] | undefined;
  readonly responder: Responder & Closable;
  /** Whether the next route that takes the request is asked when this one has only a bare 404 or 405. @default false */
  readonly fallThrough?: boolean | undefined;
}

/** A responder may hold processes or descriptors: what the server calls around its requests. */
export interface Closable {
  /**
   * Resolves when requests can be answered; rejects with the reason when they cannot, such as an application that does not
   * load. `Server.reload` waits for it before it switches over, `Server.ready` passes it on.
   */
  readonly ready?: (() => void | Promise<void>) | undefined;
  /** Called when the grace of a stop begins: what has no end of its own, such as a WebSocket, shall end. Must not throw. */
  readonly drain?: (() => void) | undefined;
  /** Called once, after the last request. */
  readonly close?: (() => void | Promise<void>) | undefined;
  /**
   * The same answer as the responder's, with content that is only valid until the responder is asked again or, where it comes later,
   * until those who wait for it have been called (`isLent`): files have it, so that nothing is copied for the server that it sends
   * at once anyway. Undefined where the listener will be told: an application in another process answers without a promise then.
   * Not to be copied to a function that wraps the responder: it would be walked around.
   */
  readonly lend?:
    | ((request: RequestMessage, listener: AnswerListener) => ReturnType<Responder> | undefined)
    | undefined;
  /** What the processes of an application are doing now: for `Server.applications`, and metrics. Must not throw. */
  readonly workers?: (() => Omit<ApplicationState, 'path'> | readonly Omit<ApplicationState, 'path'>[]) | undefined;
}

/** An application that runs in processes of its own. */
export interface ApplicationState {
  /** As the options name it. */
  readonly application: string;
  /** Where it is mounted. */
  readonly path: string;
  /** How it is called, and the version of Python; undefined until a process has loaded it. */
  readonly interface?: 'wsgi' | 'asgi' | undefined;
  readonly python?: string | undefined;
  /** What a process has loaded, and which Python runs it. */
  readonly loaded?: LoadedApplication | undefined;
  /** How many processes there should be. */
  readonly processes: number;
  /** How many have loaded the application. */
  readonly ready: number;
  /** Requests that they are busy with. */
  readonly busy: number;
  /** Requests that wait for a place. */
  readonly queued: number;
  /** Processes that died or hung, and were replaced. */
  readonly restarts: number;
  /** For an application behind FastCGI or SCGI; only PHP of our own has processes then. */
  readonly gateway?: GatewayCounts | undefined;
}

/** What was asked of an application behind FastCGI or SCGI, or of one of its addresses. */
export interface GatewayCounts {
  /** Requests, those that were asked again included. */
  readonly requests: number;
  /** Requests that it did not answer, or that did not reach it. */
  readonly failures: number;
  /** Requests that were asked again. */
  readonly retries: number;
}

/** A method that the server knows (RFC 9110 §9.2). Unknown ones are answered 501. */
export interface Method {
  readonly name: string;
  readonly safe: boolean;
  readonly idempotent: boolean;
  /** Whether a request content has a meaning. `required` without any framing is 411. */
  readonly content: 'none' | 'optional' | 'required';
}

/** What went wrong, as the error hook and the log see it. */
export interface Failure {
  readonly status: number;
  /** The error behind it, if there is one: an HttpParseError, a CgiError, whatever a responder threw. */
  readonly cause: unknown;
  readonly source: 'parser' | 'limit' | 'routing' | 'auth' | 'responder' | 'content' | 'connection' | 'hook';
  /** Absent when no request could be read. */
  readonly request: RequestMessage | undefined;
  /** True when the response head was on the wire already: nothing can be changed any more. */
  readonly headSent: boolean;
}

/** Sees every failure; may return a response to send in place of the error page. */
export type ErrorHook = (
  failure: Failure,
) => ResponseLike | undefined | void | Promise<ResponseLike | undefined | void>;

/** A page for a status: a file to read, a template with `{{status}} {{reason}} {{path}} {{id}}`, or a function. */
export type ErrorPage = { readonly file: string } | { readonly template: string } | Responder;

/** One entry of the access log, made when the response has ended. */
export interface AccessLogEntry {
  readonly time: Date;
  readonly durationMs: number;
  readonly id: string;
  readonly remoteAddress: string;
  readonly user: string | undefined;
  /** Undefined when the first line could not be read. */
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly version: string | undefined;
  readonly host: string | undefined;
  readonly status: number;
  readonly contentBytes: number;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  /** The request's place in a trace (W3C Trace Context), when the client sent a well-formed one. */
  readonly traceparent: string | undefined;
  /** False when the client left, or the content broke off, before the response was whole. */
  readonly complete: boolean;
}

/** Basic authentication for a part of the site (RFC 7617; RFC 1945 §11.1). */
export interface AuthRule {
  /** @default '/' */
  readonly path?: string | undefined;
  /** @default all methods */
  readonly methods?: readonly string[] | undefined;
  /** @default 'onezero' */
  readonly realm?: string | undefined;
  /** An htpasswd file, name to hash (bcrypt, scrypt, $apr1$, {SHA}), or a function. */
  readonly users:
    | { readonly file: string }
    | Readonly<Record<string, string>>
    | ((user: string, password: string) => boolean | Promise<boolean>);
}

/** Where to listen: a TCP port or a Unix socket, with TLS or without. */
export interface Listener {
  /** @default 8080; 0 takes any free port */
  readonly port?: number | undefined;
  /** @default 'localhost' */
  readonly host?: string | undefined;
  /** A Unix socket's path; excludes `port` and `host`. */
  readonly socket?: string | undefined;
  /**
   * Descriptors of sockets that are bound already, as systemd hands them over (3 and up); excludes `port`, `host` and
   * `socket`. The server closes them when it closes.
   */
  readonly fd?: number | readonly number[] | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** A certificate chain and its key, each as PEM text (not as a file's name). */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string | undefined;
  /** The oldest version that is spoken. @default 'TLSv1.2' */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** Cipher suites in OpenSSL's notation, for versions and clients that need others than Node's. @default Node's */
  readonly ciphers?: string | undefined;
  /**
   * Certificates for clients that ask for another host (SNI); whom none of them is for gets the one above.
   * @default none
   */
  readonly others?: readonly NamedCertificate[] | undefined;
}

/** One of several certificates, each as PEM text. */
export interface NamedCertificate {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string | undefined;
  /** Host names, `*.name` for all below a name. @default the names that the certificate is made out to */
  readonly hosts?: readonly string[] | undefined;
}

/** Where a server can be reached now. */
export interface Address {
  /** Without a path, such as `http://localhost:8080` or `https://[::1]:8443`; `unix:` and the path for a Unix socket. */
  readonly url: string;
  readonly secure: boolean;
  /** As bound: an IP address, or the Unix socket's path. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
}

/** A running server, or one that is about to run. */
export interface Server {
  /**
   * Opens a listener, or several; resolves when all accept connections. Rejects with the system's error (`EADDRINUSE`,
   * `EACCES`) and leaves none of these open. A number alone is a port of `localhost`.
   *
   * @default one listener on localhost:8080
   */
  listen(listeners?: number | Listener | readonly Listener[]): Promise<readonly Address[]>;
  /**
   * Resolves when every responder is ready (a Python application has been loaded). Rejects with the first that is not and
   * why; the server goes on all the same, and a later call asks again.
   */
  ready(): Promise<void>;
  /**
   * Answers a request without a socket, for tests: parser, rules, limits, log and framing are those of one from the network. A
   * path alone is one of `http://localhost`. Nothing has to listen.
   *
   * @example
   * const response = await server.fetch('/hello', { method: 'POST', body: 'hi' });
   */
  fetch(request: Request | URL | string, init?: RequestInit): Promise<Response>;
  /** What all listeners are bound to, in the order of `listen`; or were, after `close`. */
  readonly addresses: readonly Address[];
  /** Open connections. */
  readonly connections: number;
  /** Requests that have begun and have no whole answer yet. */
  readonly requests: number;
  /** The applications that run in processes of their own, one entry for each mount. */
  readonly applications: readonly ApplicationState[];
  /** Which rules a request would meet; nothing is run. */
  explain(question: Question): Explanation;
  /**
   * Builds everything anew from `options`, waits until all of it is ready, then swaps it in; until then requests are
   * answered as before. Requests under way end with what they began with; listeners and connections stay. Rejects, with
   * nothing changed, when the options cannot be used or a responder does not become ready. Reloads take turns.
   */
  reload(options: ServerOptions): Promise<void>;
  /** Uses another certificate for new connections on the listener at `index` (in the order of `addresses`). */
  renewCertificate(index: number, tls: TlsOptions): void;
  /** True from the first call of `close` on: what a health check should answer 503 for. */
  readonly isStopping: boolean;
  /**
   * Stops without losing a request, in these steps:
   *
   * 1. For `drainDelayMs` everything is still accepted and answered, each response with `Connection: close`, so that
   *    balancers see a failing health check and send their requests elsewhere.
   * 2. The listeners close, when connections that wait in their queues have been accepted.
   * 3. Kept connections stay readable until they are silent; a request that comes is answered with `Connection: close`.
   * 4. What is left `graceMs` after step 1 is cut off.
   *
   * Resolves when the last connection and the last responder are closed. Calling it again skips what is left of the delay and
   * starts the grace anew.
   *
   * @default graceMs limits.closeTimeoutMs, drainDelayMs limits.drainDelayMs
   */
  close(stop?: StopOptions): Promise<void>;
}

/** How a server stops. */
export interface StopOptions {
  /** Milliseconds for answers under way, counted from the end of the delay. @default limits.closeTimeoutMs */
  readonly graceMs?: number | undefined;
  /** Milliseconds in which new connections are still accepted. @default limits.drainDelayMs */
  readonly drainDelayMs?: number | undefined;
}

/** What `explain` is asked. */
export interface Question {
  /** @default 'GET' */
  readonly method?: string | undefined;
  /** An origin-form or absolute-form target. */
  readonly target: string;
}

/** What `explain` answers. */
export interface Explanation {
  /** The canonical path, or undefined when the target is refused. */
  readonly path: string | undefined;
  readonly query: string | undefined;
  readonly host: string | undefined;
  /** The rule that asks for a name and password, if any. */
  readonly auth: AuthRule | undefined;
  /** The route that answers, and what it will see of the path. */
  readonly route: Route | undefined;
  readonly scriptName: string;
  readonly pathInfo: string;
  /** The status the server itself would answer with (400, 404, 405, 421, 501), when no route does. */
  readonly status: number | undefined;
  /** One sentence for each step, in order. */
  readonly why: readonly string[];
}

/** A directory of scripts, scripts by extension, or one script, at a path. */
export type CgiMount = CgiOptions & { readonly path?: string | undefined };

/** An application behind FastCGI or SCGI at a path. */
export type GatewayMount = GatewayOptions & { readonly path?: string | undefined };

/** PHP below a root, at a path. @default root that of the server */
export type PhpMount = Omit<PhpOptions, 'root'> & {
  readonly path?: string | undefined;
  readonly root?: string | undefined;
};

/** A folder that is served over WebDAV at a path. */
export type WebdavMount = WebdavMountOptions;

/** A Python application at a path. */
export type WsgiMount = WsgiOptions & { readonly path?: string | undefined };

/** An ASGI application at a path. */
export type AsgiMount = AsgiOptions & { readonly path?: string | undefined };

/** A Python application at a path, of the kind that it is found to be. */
export type AppMount = AppOptions & { readonly path?: string | undefined };

/** An HTTP server that requests below a path are passed on to. */
export type ProxyMount = ProxyOptions & {
  /** @default '/' */
  readonly path?: string | undefined;
};

/** Every size and time that bounds what one client can cost. Each default carries its reason in `limits.ts`. */
export interface Limits {
  readonly maxRequestLineBytes?: number | undefined;
  readonly maxHeadBytes?: number | undefined;
  readonly maxFields?: number | undefined;
  readonly maxContentBytes?: number | undefined;
  readonly maxConnections?: number | undefined;
  readonly maxConnectionsPerAddress?: number | undefined;
  readonly maxRequestsPerConnection?: number | undefined;
  readonly headTimeoutMs?: number | undefined;
  readonly contentTimeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly answerTimeoutMs?: number | undefined;
  readonly silenceTimeoutMs?: number | undefined;
  readonly hookTimeoutMs?: number | undefined;
  readonly minBytesPerSecond?: number | undefined;
  readonly maxDrainBytes?: number | undefined;
  readonly drainTimeoutMs?: number | undefined;
  readonly closeTimeoutMs?: number | undefined;
  readonly drainDelayMs?: number | undefined;
}

/** The options of `createServer`. All are optional; an empty set answers everything with 404. */
export interface ServerOptions {
  /** A document root served at `/`. */
  readonly root?: string | undefined;
  /** How files under `root` are served. */
  readonly static?: StaticOptions | undefined;
  /** A directory of scripts (mounted at `/cgi-bin`), or mounts. */
  readonly cgi?: string | CgiMount | readonly CgiMount[] | undefined;
  /**
   * An address, or mounts. An address alone, such as that of php-fpm, gets the `.php` files below `root`; without a root, every
   * path. What a mount names as `front` is asked where scripts and files have nothing.
   */
  readonly fastcgi?: string | GatewayMount | readonly GatewayMount[] | undefined;
  /** The same for SCGI; an address alone gets every path. */
  readonly scgi?: string | GatewayMount | readonly GatewayMount[] | undefined;
  /**
   * PHP below `root`, with `index.php` as index and as front controller: true, an address of php-fpm, a program, or mounts. True
   * takes a php-fpm that listens, or starts php-fpm or php-cgi.
   */
  readonly php?: boolean | string | PhpMount | readonly PhpMount[] | undefined;
  /**
   * Folders that scripts and Python applications may have files sent from, by the path that X-Accel-Redirect has for each:
   * `{ '/protected': './files' }`. X-Sendfile names files in them. Clients do not reach them; without any, both fields are passed on.
   */
  readonly internal?: Readonly<Record<string, string>> | undefined;
  /** `module:callable` (mounted at `/`), or mounts. */
  readonly wsgi?: string | WsgiMount | readonly WsgiMount[] | undefined;
  /** The same for ASGI. */
  readonly asgi?: string | AsgiMount | readonly AsgiMount[] | undefined;
  /** The same for WSGI or ASGI, as the application is found to be; also a folder with a wsgi.py, asgi.py or app.py. */
  readonly app?: string | AppMount | readonly AppMount[] | undefined;
  /**
   * An upstream such as `http://localhost:3000`, or mounts. An upstream alone, or one at `/`, is asked where scripts and files
   * have nothing.
   */
  readonly proxy?: string | ProxyMount | readonly ProxyMount[] | undefined;
  /**
   * A folder that is served over WebDAV (at `/`), or mounts, with the secrets of the whole server kept. Unless `auth` protects it,
   * `listen` takes loopback addresses and Unix sockets only.
   */
  readonly webdav?: string | WebdavMount | readonly WebdavMount[] | undefined;
  readonly routes?: readonly Route[] | undefined;
  /**
   * Live reload, for development: pages that a browser navigates to get a script that reloads them when a file below `root`, a
   * directory of scripts or an application's `cwd` changes; style sheets are exchanged in place. A list names more directories.
   *
   * @default false
   */
  readonly live?: boolean | readonly string[] | undefined;
  /** A path that everything is below, `auth` rules too, such as `/app` behind a proxy that does not take it off. @default '/' */
  readonly base?: string | undefined;
  /**
   * Methods beside those of the IANA registry (GET to UNLINK, QUERY, WebDAV, CalDAV, versioning). A name alone stands for a
   * method that is neither safe nor idempotent and may have content. What is not known is answered 501.
   */
  readonly methods?: readonly (string | Method)[] | undefined;
  readonly auth?: readonly AuthRule[] | undefined;
  readonly onError?: ErrorHook | undefined;
  /** Whether failures that are the server's are written to standard error, with their stack, where there is no `onError`. @default true */
  readonly reportErrors?: boolean | undefined;
  /** By status (`404`), class (`5xx`), or `default`. */
  readonly errorPages?: Readonly<Record<string, ErrorPage>> | undefined;
  /**
   * Added to every response that does not have the field yet. A function is called for each response with its request, and what it
   * returns takes the place of fields of the same name; when it throws, the response is a 500 without its fields.
   *
   * @example
   * fields: (request) => (request?.pathInfo.endsWith('.wasm') ? [['cache-control', 'max-age=60']] : undefined)
   */
  readonly fields?: readonly Field[] | FieldsHook | undefined;
  readonly limits?: Limits | undefined;
  /** The Server field, or false for none. @default 'onezero' */
  readonly serverField?: string | false | undefined;
  /** Taken as the authority of a request that names no host (HTTP/1.0). @default none */
  readonly serverName?: string | undefined;
  /** Addresses or CIDR blocks whose X-Forwarded-For and -Proto are believed. @default none */
  readonly trustedProxies?: readonly string[] | undefined;
  /**
   * Addresses or CIDR blocks of proxies (`unix` for every peer of a Unix socket) whose connections begin with a header of
   * the PROXY protocol, version 1 or 2, before TLS where there is TLS. It is required of them and ignored of nobody else:
   * a connection of theirs without one is closed. The client that it names is the request's `remote`. @default none
   */
  readonly proxyProtocol?: readonly string[] | undefined;
  /**
   * Hosts (as in `Route.host`) that are answered; others get 421. `local` guards a server that listens on loopback only
   * against DNS rebinding: it answers for localhost, *.localhost, IP addresses, `serverName` and the hosts of routes. A proxy
   * on the same machine that passes its own host on has to be among `trustedProxies` then. @default any
   */
  readonly hosts?: readonly string[] | 'local' | undefined;
  /**
   * The field in which trusted proxies name the client: `x-forwarded-for` (with X-Forwarded-Proto), or `forwarded` (RFC 7239). The
   * other one is not read, since proxies pass on what a client wrote there.
   *
   * @default 'x-forwarded-for'
   */
  readonly forwardedField?: 'x-forwarded-for' | 'forwarded' | undefined;
  /** A field, such as `x-request-id`, that carries `id` in every response and names it when a trusted proxy sent it. @default none */
  readonly requestIdField?: string | undefined;
  readonly accessLog?: ((entry: AccessLogEntry) => void) | undefined;
  /** Whether HTTP/0.9 simple requests are answered. @default true */
  readonly simpleRequests?: boolean | undefined;
}
