// Trailers that cannot be sent are not announced, in whatever way an application announces them.

import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { announceNoTrailers } from '../../src/responders/unannounced-trailers.ts';

function response(): ServerResponse {
  const asked = new IncomingMessage(new Socket());
  asked.method = 'HEAD';
  const made = new ServerResponse(asked);
  announceNoTrailers(made);
  return made;
}

/** The head as it will be sent. */
function headOf(made: ServerResponse): string {
  const { _header: text } = made as unknown as { _header: string };
  return text;
}

type Write = (made: ServerResponse) => unknown;

const head =
  (...words: readonly unknown[]): Write =>
  (made) =>
    made.writeHead(...(words as [number]));

const WAYS: readonly (readonly [name: string, write: Write])[] = [
  ['setHeader', (made) => made.setHeader('Trailer', 'x').setHeader('A', 'b').writeHead(200)],
  ['setHeader without writeHead', (made) => made.setHeader('Trailer', 'x').setHeader('A', 'b').end()],
  ['an object', head(200, { Trailer: 'x', A: 'b' })],
  ['an object behind a reason', head(200, 'Fine', { trailer: 'x', A: 'b' })],
  ['names and values in turn', head(200, ['TRAILER', 'x', 'A', 'b'])],
  ['names and values behind a reason', head(200, 'Fine', ['A', 'b', 'trailer', 'x'])],
  [
    'pairs',
    head(200, [
      ['Trailer', 'x'],
      ['A', 'b'],
    ]),
  ],
  ['a value that is called so', head(200, ['A', 'b', 'X', 'trailer'])],
  ['setHeader and an object', (made) => made.setHeader('Trailer', 'x').writeHead(200, { A: 'b' })],
];

describe('trailers', () => {
  test.each(WAYS)('that are announced by %s are not', (_, write) => {
    const made = response();
    expect(() => write(made)).not.toThrow();
    const text = headOf(made);
    expect(text).toMatch(/^a: b\r$/im);
    expect(text).not.toMatch(/^trailer:/im);
  });

  test('as a value stay', () => {
    const made = response();
    made.writeHead(200, ['X', 'trailer']);
    expect(headOf(made)).toContain('X: trailer');
  });

  test('are refused by node:http itself, which is why', () => {
    const asked = new IncomingMessage(new Socket());
    asked.method = 'HEAD';
    expect(() => new ServerResponse(asked).writeHead(200, { Trailer: 'x' })).toThrow(/[Tt]railers are invalid/);
  });
});
