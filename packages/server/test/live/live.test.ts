// Live reload from a changed file to the event of a page.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { Live } from '../../src/live/live.ts';
import { Subscription } from '../../src/live/subscription.ts';
import type { RequestMessage, ResponseMessage } from '../../src/message/message.ts';
import type { Site } from '../../src/routing/site.ts';
import { request } from '../request.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-live-'));
afterAll(() => rmSync(folder, { recursive: true }));

let closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
  vi.useRealTimers();
});

const PAGE: ResponseMessage = { status: 200, fields: [['content-type', 'text/html']], content: Buffer.from('<p>') };
const navigation = (): RequestMessage => request({ fields: [['accept', 'text/html']] });

/** Live reload of a folder of its own, and the text of its events so far. */
async function watched(name: string): Promise<{ place: string; live: Live; events: () => string }> {
  const place = join(folder, name);
  mkdirSync(place);
  const live = new Live([place]);
  const events = live.routes[1]?.responder as (asked: RequestMessage) => Promise<ResponseMessage>;
  closers.push(() => live.routes[1]?.responder.close?.());
  const { content } = await events(request());
  let text = '';
  void (async () => {
    for await (const bytes of content as AsyncIterable<Uint8Array>) text += Buffer.from(bytes).toString();
  })();
  await expect.poll(() => text).toContain('event: version');
  return { place, live, events: () => text.replace(/^[\s\S]*?event: version\ndata: .*\n\n/, '') };
}

describe('a changed file', () => {
  test('is a reload; style sheets alone are exchanged', async () => {
    const { place, events } = await watched('files');
    writeFileSync(join(place, 'a.html'), '1');
    await expect.poll(events).toMatch(/^event: reload\ndata: [\da-f]{8}\.1\n\n$/);
    writeFileSync(join(place, 'a.css'), '1');
    await expect.poll(events).toMatch(/event: styles\ndata: [\da-f]{8}\.2\n\n$/);
    writeFileSync(join(place, 'b.css'), '1');
    writeFileSync(join(place, 'b.js'), '1');
    await expect.poll(events).toMatch(/event: reload\ndata: [\da-f]{8}\.3\n\n$/);
  });

  test('is one event with a thousand others', async () => {
    const { place, events } = await watched('build');
    for (let count = 0; count < 200; count++) writeFileSync(join(place, `${count}.js`), '1');
    await expect.poll(events).toMatch(/^event: reload\ndata: .*\.1\n\n$/);
    writeFileSync(join(place, 'last.css'), '1');
    await expect.poll(events).toMatch(/\.1\n\nevent: styles\ndata: .*\.2\n\n$/);
  });
});

describe('the site around it', () => {
  function around(live: Live, respond: Site['respond']): Site {
    closers.push(() => live.routes[1]?.responder.close?.());
    return live.around({ respond } as Site);
  }

  test('has the script in pages that a browser navigates to, at once where the page is', async () => {
    const live = new Live([], '/base');
    const later = around(live, async () => PAGE);
    const atOnce = around(live, () => PAGE).respond(navigation());
    expect(atOnce).not.toBeInstanceOf(Promise);
    for (const answer of [atOnce, await later.respond(navigation())] as ResponseMessage[]) {
      const text = Buffer.from(answer.content as Uint8Array).toString();
      expect(text).toMatch(/^<p>\n<script src="\/base\/\.onezero\/live\.js\?v=[\da-f]{8}\.0" async><\/script>\n$/);
    }
  });

  test('answers everything else as without it', async () => {
    const seen: RequestMessage[] = [];
    const site = around(new Live([]), (asked) => {
      seen.push(asked);
      return PAGE;
    });
    const api = request({
      fields: [
        ['accept', 'application/json'],
        ['if-none-match', '"a"'],
      ],
    });
    expect(site.respond(api)).toBe(PAGE);
    const redirected = navigation();
    expect(site.respond(redirected, 1)).toBe(PAGE);
    expect(seen).toEqual([api, redirected]);
    expect(seen[0]).toBe(api);
  });

  test('serves the script and nothing below it by another method', () => {
    const [script, events] = new Live([], '/b').routes;
    expect([script?.path, events?.path]).toEqual(['/b/.onezero/live.js', '/b/.onezero/live-events']);
    expect([script?.methods, events?.methods]).toEqual([['GET'], ['GET']]);
    expect(script?.responder(request())).toMatchObject({ status: 200 });
  });
});

describe('a subscription', () => {
  async function textOf(subscription: Subscription): Promise<string> {
    let text = '';
    for await (const bytes of subscription) text += Buffer.from(bytes).toString();
    return text;
  }

  test('hands over what was sent before and while it is read, and ends once', async () => {
    const closed = vi.fn();
    const subscription = new Subscription(closed);
    subscription.send('a', '1');
    const text = textOf(subscription);
    await new Promise((resolve) => setImmediate(resolve));
    subscription.send('b', '2');
    subscription.send('c', '3');
    subscription.end();
    subscription.end();
    expect(await text).toBe('retry: 300\n\nevent: a\ndata: 1\n\nevent: b\ndata: 2\n\nevent: c\ndata: 3\n\n');
    expect(closed).toHaveBeenCalledTimes(1);
  });

  test('ends by itself after a minute, and when its reader leaves', async () => {
    vi.useFakeTimers();
    const closed = vi.fn();
    const text = textOf(new Subscription(closed));
    await vi.advanceTimersByTimeAsync(59_999);
    expect(closed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await text).toBe('retry: 300\n\n');
    const left = new Subscription(closed);
    await left.return();
    expect(closed).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(0);
  });
});
