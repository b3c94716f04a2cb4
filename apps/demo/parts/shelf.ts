// A responder of our own, for a method of our own: what is on the shelf until somebody purges it.
import type { Method, RequestMessage, ResponseMessage } from '@onezero/server';

export const PURGE: Method = { name: 'PURGE', safe: false, idempotent: true, content: 'none' };

const books = ['The Hobbit', 'Momo', 'Emil'];
let shelf = [...books];

export function answerShelf({ method }: RequestMessage): ResponseMessage {
  if (method === 'PURGE') {
    shelf = [];
    return { status: 204, fields: [] };
  }
  const text = shelf.length === 0 ? 'empty; it is filled again when you look\n' : `${shelf.join('\n')}\n`;
  if (shelf.length === 0) shelf = [...books];
  return {
    status: 200,
    fields: [['content-type', 'text/plain; charset=utf-8']],
    content: new TextEncoder().encode(text),
  };
}
