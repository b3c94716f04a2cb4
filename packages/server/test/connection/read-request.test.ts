import { expect, onTestFinished, test } from 'vitest';
import { parse, start, textResponse } from '../exchange.ts';

test('an absolute-form target replaces the received Host for everybody', async () => {
  const running = await start({
    hosts: ['good.test'],
    routes: [
      {
        responder: ({ authority, fields }) =>
          textResponse(JSON.stringify([authority, ...fields.filter(([name]) => name === 'host')])),
      },
    ],
  });
  onTestFinished(() => running.close());
  const ask = async (target: string, host: string): Promise<string> =>
    parse(await running.exchange(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nX: 1\r\n\r\n`)).content;
  expect(await ask('http://good.test/', 'evil.test')).toBe('["good.test",["host","good.test"]]');
  expect(await ask('http://good.test:80/', 'good.test')).toBe('["good.test:80",["host","good.test:80"]]');
  expect(await ask('http://evil.test/', 'good.test')).toContain('421');
  expect(await ask('/', 'good.test')).toBe('["good.test",["host","good.test"]]');
  const old = parse(await running.exchange('GET http://good.test/ HTTP/1.0\r\n\r\n'));
  expect(old.content).toBe('["good.test",["host","good.test"]]');
});
