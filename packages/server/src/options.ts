// Everything a server can be told, in one typed set. The command line, the configuration file and the environment all
// end up as one of these; nothing in the server is decided by a literal that is not a default named here or beside it.
//
// This file holds shapes only. `compose.ts` turns the "what is served" half into routes; `server.ts` uses the rest.

import type { CgiOptions } from '@onezero/cgi-process';
import type { StaticOptions } from '@onezero/static';
import type { WsgiOptions } from '@onezero/wsgi';
import type { Field, RequestMessage, Responder, ResponseMessage } from './message.ts';

/** A responder and the requests it is for. The longest matching prefix wins; with equal prefixes, the first. */
export interface Route {
  /** A path prefix that matches on segment edges: `/a` takes `/a` and `/a/b`, never `/ab`. @default '/' */
  readonly path?: string | undefined;
  /** Only requests for this host (without port, any case; `*.example.org` takes subdomains). @default any */
  readonly host?: string | undefined;
  /** The methods it takes; others get 405 with Allow unless another route takes them. @default all known methods */
  readonly methods?: readonly string[] | undefined;
  readonly responder: Responder;
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
) => ResponseMessage | undefined | void | Promise<ResponseMessage | undefined | void>;

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
  /** An htpasswd file, name to hash (bcrypt, scrypt, SHA), or a function. */
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
  readonly tls?: { readonly cert: string; readonly key: string; readonly passphrase?: string | undefined } | undefined;
}

/** A directory of scripts, scripts by extension, or one script, at a path. */
export type CgiMount = CgiOptions & { readonly path?: string | undefined };

/** A Python application at a path. */
export type WsgiMount = WsgiOptions & { readonly path?: string | undefined };

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
  readonly minBytesPerSecond?: number | undefined;
  readonly drainBytes?: number | undefined;
  readonly drainTimeoutMs?: number | undefined;
  readonly closeTimeoutMs?: number | undefined;
}

/** The options of `createServer`. All are optional; an empty set answers everything with 404. */
export interface ServerOptions {
  /** A document root served at `/`. */
  readonly root?: string | undefined;
  /** How files under `root` are served. */
  readonly static?: StaticOptions | undefined;
  /** A directory of scripts (mounted at `/cgi-bin`), or mounts. */
  readonly cgi?: string | CgiMount | readonly CgiMount[] | undefined;
  /** `module:callable` (mounted at `/`), or mounts. */
  readonly wsgi?: string | WsgiMount | readonly WsgiMount[] | undefined;
  readonly routes?: readonly Route[] | undefined;
  /** Methods beside GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, LINK, UNLINK. */
  readonly methods?: readonly Method[] | undefined;
  readonly auth?: readonly AuthRule[] | undefined;
  readonly onError?: ErrorHook | undefined;
  /** By status (`404`), class (`5xx`), or `default`. */
  readonly errorPages?: Readonly<Record<string, ErrorPage>> | undefined;
  /** Added to every response that does not have the field yet. */
  readonly fields?: readonly Field[] | undefined;
  readonly limits?: Limits | undefined;
  /** The Server field, or false for none. @default 'onezero' */
  readonly serverField?: string | false | undefined;
  /** The name used where a request names no host. @default the listener's address */
  readonly serverName?: string | undefined;
  /** Addresses or CIDR blocks whose X-Forwarded-For and -Proto are believed. @default none */
  readonly trustedProxies?: readonly string[] | undefined;
  readonly accessLog?: ((entry: AccessLogEntry) => void) | undefined;
  /** Whether HTTP/0.9 simple requests are answered. @default true */
  readonly simpleRequests?: boolean | undefined;
}
