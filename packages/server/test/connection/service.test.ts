// Options as the engine uses them, and hooks that misbehave.

import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { serviceOf, type Service } from '../../src/connection/service.ts';
import type { ServerOptions } from '../../src/options.ts';
import type { Site } from '../../src/routing/site.ts';
import { entry } from '../operations/entry.ts';

const make = (options: ServerOptions): Service => serviceOf(options, () => ({}) as Site);

/** A hook as plain JavaScript gives it. */
const anyHook = (given: unknown): (() => void) => given as () => void;

function warnings(): string[] {
  const texts: string[] = [];
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void texts.push(String(warning)));
  onTestFinished(() => spy.mockRestore());
  return texts;
}

describe('serviceOf', () => {
  test('writes names small, and leaves the rest to defaults', () => {
    const { complete, request, parser } = make({
      requestIdField: 'X-Request-ID',
      fields: [['X-A', 'B']],
      serverName: 'example.org',
      forwardedField: 'forwarded',
    });
    expect(complete).toEqual({ serverField: 'onezero', fields: [['x-a', 'B']], requestIdField: 'x-request-id' });
    expect(request).toEqual({ serverName: 'example.org', requestIdField: 'x-request-id', forwardedField: 'forwarded' });
    expect(parser).toMatchObject({ maxRequestLineBytes: 8192, maxHeadBytes: 32_768, maxFields: 100 });
    expect(make({ serverField: false }).complete.serverField).toBe(false);
  });

  test('takes 0 and Infinity for no limit, also in the parser', () => {
    for (const none of [0, Infinity]) {
      const { parser, limits } = make({
        limits: { maxHeadBytes: none, maxRequestLineBytes: none, maxFields: none, answerTimeoutMs: none },
      });
      expect(parser).toMatchObject({ maxHeadBytes: 2 ** 30, maxRequestLineBytes: 2 ** 30, maxFields: 2 ** 30 });
      expect(limits.answerTimeoutMs).toBe(0);
    }
  });

  test('takes Infinity for no limit also where 0 means not at all', () => {
    const limits = {
      hookTimeoutMs: Infinity,
      maxDrainBytes: Infinity,
      closeTimeoutMs: Infinity,
      drainDelayMs: Infinity,
    };
    expect(make({ limits }).limits).toMatchObject(limits);
  });

  test('matches proxies where some are named', () => {
    expect(make({}).isTrusted).toBeUndefined();
    expect(make({ trustedProxies: [], proxyProtocol: [] }).sendsProxyHeader).toBeUndefined();
    const { isTrusted, sendsProxyHeader } = make({ trustedProxies: ['10.0.0.0/8'], proxyProtocol: ['unix'] });
    expect([isTrusted?.('10.1.1.1'), isTrusted?.(''), sendsProxyHeader?.(''), sendsProxyHeader?.('10.1.1.1')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test('composes last, since that may start processes', () => {
    const compose = vi.fn(() => ({}) as Site);
    expect(() => serviceOf({ trustedProxies: ['nonsense'] }, compose)).toThrow(/trustedProxies/);
    expect(() => serviceOf({ limits: { maxFields: -1 } }, compose)).toThrow(/maxFields/);
    expect(() => serviceOf({ rooot: 'x' } as ServerOptions, compose)).toThrow(/root/);
    expect(compose).not.toHaveBeenCalled();
  });
});

describe('a log that breaks', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('full by a throw');
      },
      'full by a throw',
    ],
    [
      'rejects',
      async () => {
        throw new Error('full by a rejection');
      },
      'full by a rejection',
    ],
    [
      'rejects in another realm',
      () => runInNewContext('Promise.reject("full elsewhere")') as Promise<void>,
      'full elsewhere',
    ],
  ])('and %s is a warning, once', async (_, accessLog, text) => {
    const texts = warnings();
    const service = make({ accessLog: anyHook(accessLog) });
    for (let count = 0; count < 3; count++) service.accessLog?.(entry());
    await new Promise((resolve) => setImmediate(resolve));
    expect(texts).toEqual([`accessLog: ${text}`]);
  });
});
