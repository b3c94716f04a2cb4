// A folder that is served over a socket by the handler for node:http, and requests to it.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request as send, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { webdav, type WebdavMountOptions } from '../src/node.ts';

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}

type Headers = Readonly<Record<string, string>>;

/** A new folder below the directory for temporary files, with files in it; a name that ends with a slash is a directory. */
export function makeFolder(files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'onezero-webdav-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    if (name.endsWith('/')) mkdirSync(join(root, name), { recursive: true });
    else writeFileSync(join(root, name), text);
  }
  return root;
}

export class Served {
  readonly root: string;
  readonly #server: Server;
  #port = 0;

  constructor(root: string, options: Omit<WebdavMountOptions, 'root'> = {}) {
    this.root = root;
    this.#server = createServer(webdav({ root, fsync: false, ...options }));
  }

  static async start(
    files: Readonly<Record<string, string>> = {},
    options: Omit<WebdavMountOptions, 'root'> = {},
  ): Promise<Served> {
    const served = new Served(makeFolder(files), options);
    await served.listen();
    return served;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** One request; a Destination may be a path. */
  ask(method: string, path: string, headers: Headers = {}, content?: string | Uint8Array): Promise<Answer> {
    const { destination, ...others } = headers;
    const all = destination?.startsWith('/') === true ? { ...headers, destination: this.url + destination } : headers;
    void others;
    return new Promise((resolve, reject) => {
      const request = send(this.url + path, { method, headers: all, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end(content);
    });
  }

  async status(method: string, path: string, headers: Headers = {}, content?: string): Promise<number> {
    return (await this.ask(method, path, headers, content)).status;
  }

  /** Takes a lock; the token. */
  async lock(path: string, headers: Headers = {}, scope = 'exclusive'): Promise<string> {
    const answer = await this.ask('LOCK', path, headers, lockInfo(scope));
    return /<([^>]+)>/.exec(String(answer.headers['lock-token']))?.[1] ?? `no lock: ${answer.status}`;
  }

  read(name: string): string {
    return readFileSync(join(this.root, name), 'utf8');
  }

  /** Every path below the root, whatever it is. */
  paths(): string[] {
    // The turn of the root is kept for a moment after a request (turn.ts).
    return treeOf(this.root).filter((path) => !/(?:^|\/)\.onezero-partial-w/.test(path));
  }

  /** Ends the server and leaves the folder. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Every path below a directory; a directory ends with a slash. */
function treeOf(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[])
    .map((name) => (statSync(join(root, name), { throwIfNoEntry: false })?.isDirectory() === true ? `${name}/` : name))
    .toSorted();
}

export function lockInfo(scope = 'exclusive', owner = '<D:href>http://example.org/ada</D:href>'): string {
  return `<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>${owner}</D:owner></D:lockinfo>`;
}

/** A PROPPATCH that sets properties, given as XML. */
export function setting(properties: string): string {
  return `<D:propertyupdate xmlns:D="DAV:" xmlns:t="urn:t"><D:set><D:prop>${properties}</D:prop></D:set></D:propertyupdate>`;
}

/** A PROPFIND for properties, given as XML. */
export function asking(properties: string): string {
  return `<D:propfind xmlns:D="DAV:" xmlns:t="urn:t"><D:prop>${properties}</D:prop></D:propfind>`;
}
