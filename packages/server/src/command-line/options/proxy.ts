// What the configuration says about requests that another HTTP server answers.

import type { Option, Shape } from './option.ts';

/** One upstream and what it gets. */
export interface ProxyConfiguration {
  readonly path?: string;
  readonly target: string;
  readonly host?: 'client' | 'upstream';
}

const path: Shape = { type: 'text', pattern: /^\//, expects: 'a path that begins with "/"' };
const url: Shape = {
  type: 'text',
  pattern: /^https?:\/\/[^/?#@]+(?:\/[^?#]*)?$/i,
  expects: 'a URL such as http://localhost:3000',
};

/** `--proxy`. */
export const proxyOption: Option = {
  group: 'What is served',
  shape: {
    type: 'list',
    item: {
      type: 'object',
      members: {
        path: { shape: path, summary: 'what is passed on; without it, everything that is not there' },
        target: { shape: url, summary: 'the upstream; a path in it replaces that of the mount', isRequired: true },
        host: {
          shape: { type: 'choice', values: ['client', 'upstream'] },
          summary: 'which Host the upstream gets; if left out, that of the client on this machine only',
        },
      },
    },
  },
  short: ['P'],
  placeholder: '<[/path=]url>',
  summary: 'Pass requests below a path on to another HTTP server; without a path, those that no file or script answers',
  read: readProxy,
  perSite: true,
};

/** Reads `http://host:port` or `/path=http://host:port`; a port alone is one of this machine. */
function readProxy(written: string): ProxyConfiguration {
  const [, mount, target = ''] = /^(?:(\/[^=]*)=)?(.*)$/.exec(written) ?? [];
  const isShort = /^(?:(?:[\w.-]+)?:)?\d+$/.test(target);
  const whole = isShort ? `http://${target.replace(/^:?(?=\d+$)/, 'localhost:')}` : target;
  if (!/^https?:\/\//i.test(whole)) throw new Error('http://host:port or /path=http://host:port');
  return { ...(mount !== undefined && { path: mount }), target: whole };
}
