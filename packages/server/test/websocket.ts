// A WebSocket client that can do what no library lets it do: frames as bytes, and frames as they come.

import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

export interface Frame {
  /** The first byte: FIN, reserved bits and opcode. */
  readonly first: number;
  readonly data: Buffer;
}

/** A frame as a client sends it. */
export function frame(first: number, data: Uint8Array | string, isMasked = true): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data);
  const size = bytes.length;
  const bit = isMasked ? 0x80 : 0;
  let head: Buffer;
  if (size < 126) head = Buffer.from([first, bit | size]);
  else if (size < 0x10000) head = Buffer.from([first, bit | 126, size >> 8, size & 255]);
  else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = bit | 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  if (!isMasked) return Buffer.concat([head, bytes]);
  const mask = Buffer.from([0x12, 0xf3, 0x56, 0x9a]);
  const masked = Buffer.from(bytes);
  for (let at = 0; at < size; at++) masked[at]! ^= mask[at % 4]!;
  return Buffer.concat([head, mask, masked]);
}

export class Client {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake = (): void => {};
  head = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('error', () => {});
  }

  /** Connects and asks for a WebSocket; `head` is the answer's. */
  static async open(
    port: number,
    target: string,
    fields: readonly string[] = [],
    behind?: Uint8Array,
  ): Promise<Client> {
    const client = new Client(connect(port, '127.0.0.1'));
    const lines = [
      `GET ${target} HTTP/1.1`,
      'Host: a.test',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      ...fields,
    ];
    client.socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), behind ?? Buffer.alloc(0)]));
    const end = await client.#until(() => client.#received.indexOf('\r\n\r\n'));
    client.head = client.#received.subarray(0, end).toString('latin1');
    client.#received = client.#received.subarray(end + 4);
    return client;
  }

  async #until(find: () => number): Promise<number> {
    for (;;) {
      const found = find();
      if (found !== -1) return found;
      if (this.#ended)
        throw new Error(`the connection ended after ${JSON.stringify(this.#received.toString('latin1'))}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  send(...bytes: Uint8Array[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  get status(): number {
    return Number(this.head.split(' ')[1]);
  }

  async frame(): Promise<Frame> {
    const end = await this.#until(() => this.#frameEnd());
    const size = this.#received[1]! & 0x7f;
    const start = size === 127 ? 10 : size === 126 ? 4 : 2;
    const result = { first: this.#received[0]!, data: Buffer.from(this.#received.subarray(start, end)) };
    this.#received = this.#received.subarray(end);
    return result;
  }

  #frameEnd(): number {
    const bytes = this.#received;
    if (bytes.length < 2) return -1;
    let size = bytes[1]! & 0x7f;
    let start = 2;
    if (size === 126) {
      if (bytes.length < 4) return -1;
      size = bytes.readUInt16BE(2);
      start = 4;
    } else if (size === 127) {
      if (bytes.length < 10) return -1;
      size = Number(bytes.readBigUInt64BE(2));
      start = 10;
    }
    return bytes.length < start + size ? -1 : start + size;
  }

  /** The text of the next frame, which has to be a whole text. */
  async text(): Promise<string> {
    const { first, data } = await this.frame();
    if (first !== 0x81) throw new Error(`not a text: ${first.toString(16)} ${data.toString('latin1')}`);
    return data.toString();
  }

  /** What comes until the connection ends: the code of the close frame, undefined without one. */
  async closed(): Promise<number | undefined> {
    let code: number | undefined;
    try {
      for (;;) {
        const { first, data } = await this.frame();
        if (first === 0x88) code = data.length === 0 ? 1005 : data.readUInt16BE(0);
      }
    } catch (error) {
      if (!this.#ended) throw error;
    }
    return code;
  }

  async rest(): Promise<string> {
    if (!this.#ended) await once(this.socket, 'close');
    return this.#received.toString('latin1');
  }
}
