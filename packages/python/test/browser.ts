// Just enough of a browser: keeps cookies and sends forms.

import type { Answer } from './harness.ts';
import { chunks, read, request } from './harness.ts';
import type { PythonResponder } from '../src/index.ts';

export class Browser {
  readonly #responder: PythonResponder;
  readonly #scriptName: string;
  readonly cookies = new Map<string, string>();

  constructor(responder: PythonResponder, scriptName = '') {
    this.#responder = responder;
    this.#scriptName = scriptName;
  }

  async open(
    target: string,
    options: { method?: string; type?: string; body?: Uint8Array | string; length?: 'unknown' } = {},
  ): Promise<Answer> {
    // prettier-ignore
    const { body, type, length } = options;
    const isSized = body !== undefined && length !== 'unknown';
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const fields: [string, string][] = [
      ['host', 'shop.example:8080'],
      ['referer', 'http://shop.example:8080/'],
    ];
    if (cookie !== '') fields.push(['cookie', cookie]);
    if (type !== undefined) fields.push(['content-type', type]);
    if (isSized) fields.push(['content-length', String(Buffer.byteLength(body))]);
    const answer = await read(
      this.#responder(
        request(target, {
          method: options.method ?? (body === undefined ? 'GET' : 'POST'),
          scriptName: this.#scriptName,
          target: this.#scriptName + target,
          fields,
          contentLength: body === undefined ? 0 : isSized ? Buffer.byteLength(body) : undefined,
          content: body === undefined ? chunks() : chunks(body),
        }),
      ),
    );
    for (const [name, value] of answer.fields) {
      const [, key, content] = /^([^=]+)=([^;]*)/.exec(name === 'set-cookie' ? value : '') ?? [];
      if (key !== undefined) this.cookies.set(key, content!);
    }
    return answer;
  }

  submit(target: string, form: Record<string, string>, length?: 'unknown'): Promise<Answer> {
    const body = new URLSearchParams(form).toString();
    return this.open(target, { body, type: 'application/x-www-form-urlencoded', ...(length && { length }) });
  }

  /** Sends files as multipart/form-data. */
  upload(target: string, fields: Record<string, string>, file: { name: string; content: Uint8Array }): Promise<Answer> {
    const boundary = 'a-boundary-that-is-in-no-file';
    const parts = Object.entries(fields).map(
      ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    const head = `${parts.join('')}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
    const body = Buffer.concat([Buffer.from(head), file.content, Buffer.from(`\r\n--${boundary}--\r\n`)]);
    return this.open(target, { body, type: `multipart/form-data; boundary=${boundary}` });
  }
}
