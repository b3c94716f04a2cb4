// Whether a request opens a WebSocket (RFC 6455 §4.2.1).

import type { PythonRequest, PythonResponse } from '../message.ts';

const VERSION = '13';

/** 16 bytes in base64. */
const KEY_PATTERN = /^[A-Za-z0-9+/]{22}==$/;

/** True when it does, false when it is about something else; a response when it tries and cannot. */
export function opensWebSocket({ method, upgrade, fields }: PythonRequest): boolean | PythonResponse {
  if (upgrade === undefined || method !== 'GET') return false;
  const protocols = upgrade.toLowerCase().split(',');
  if (!protocols.some((name) => name.trim() === 'websocket')) return false;
  const value = (wanted: string): string | undefined => fields.find(([name]) => name === wanted)?.[1].trim();
  if (value('sec-websocket-version') !== VERSION) {
    return { status: 426, fields: [['upgrade', 'websocket'], ['sec-websocket-version', VERSION]] }; // prettier-ignore
  }
  if (!KEY_PATTERN.test(value('sec-websocket-key') ?? '')) {
    return { status: 400, fields: [], cause: new Error('Sec-WebSocket-Key is not 16 bytes in base64') };
  }
  return true;
}
