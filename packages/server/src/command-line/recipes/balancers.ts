// HAProxy and nginx in front of several servers.

import type { Figures } from './figures.ts';
import { proxyNote } from './text.ts';

/** For HAProxy 2.4 and newer. */
export function haproxy(figures: Figures): string {
  const { host, port, socket, health, checkMs, answerSeconds, keepSeconds, namedHost, isSecure, isMade } = figures;
  const verify = isMade ? 'none' : 'required ca-file /etc/ssl/certs/ca-certificates.crt';
  const tls = isSecure ? ` ssl verify ${verify} check-ssl` : '';
  return `${proxyNote(figures)}
defaults
  mode http
  # A request that no server has begun to answer goes to the next one.
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
  timeout connect 5s
  timeout client 60s
  # Longer than an answer may take to begin (--answer-timeout).
  timeout server ${answerSeconds}s
  timeout tunnel 1h
  timeout check 5s

frontend web
  bind 127.0.0.1:8000
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  # What may have changed something is not sent twice.
  http-request disable-l7-retry unless { method GET HEAD OPTIONS }
  default_backend onezero

backend onezero
  option httpchk
  http-check send meth GET uri ${encodeURI(health).replaceAll('%25', '%').replaceAll("'", '%27')} ver HTTP/1.1 hdr Host ${namedHost ?? 'localhost'}
  # A stop is noticed within ${checkMs} ms, a quarter of the drain delay. Idle connections go before the server closes them.
  default-server check inter ${checkMs}ms fall 1 rise 1 pool-purge-delay ${Math.min(keepSeconds, 30)}s${tls}
  server one ${socket === undefined ? `${host}:${port}` : `unix@${socket}`}
  # server two 192.0.2.2:${port}
`;
}

/** Includes for the http block of nginx. */
export function nginx(figures: Figures): string {
  const { host, port, socket, answerSeconds, keepSeconds, isSecure } = figures;
  return `${proxyNote(figures)}
# Open source nginx asks for no health: a stop is loss-free by its phases, and a server that is gone is left out at its first refusal.
upstream onezero {
  server ${socket === undefined ? `${host}:${port}` : `unix:${socket}`} max_fails=1 fail_timeout=1s;
  # server 192.0.2.2:${port} max_fails=1 fail_timeout=1s;
  keepalive 16;
  # Shorter than the server keeps them (--idle-timeout).
  keepalive_timeout ${keepSeconds}s;
}

server {
  listen 127.0.0.1:8000;
  # The server has limits of its own (--max-content).
  client_max_body_size 0;

  location / {
    proxy_pass ${isSecure ? 'https' : 'http'}://onezero;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    # Longer than an answer may take to begin (--answer-timeout).
    proxy_read_timeout ${answerSeconds}s;
    proxy_next_upstream error timeout;
  }
}
`;
}
