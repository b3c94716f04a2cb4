// Makes htdocs/files/sunflower.webm: twenty seconds of a growing sunflower. Needs Chromium, whose encoder does the work; the
// container around its frames is written here, with an index (Cues), so that players can seek.
import { writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const film = { width: 480, height: 270, seconds: 20, framesPerSecond: 12 };

/** Runs in the browser: draws each frame, encodes it, returns the encoder's output. */
async function draw({ width, height, seconds, framesPerSecond }) {
  const context = new OffscreenCanvas(width, height).getContext('2d');
  const frames = [];
  const encoder = new VideoEncoder({
    output(chunk) {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      frames.push({
        key: chunk.type === 'key',
        ms: chunk.timestamp / 1000,
        base64: btoa(String.fromCharCode(...bytes)),
      });
    },
    error: (error) => frames.push({ error: error.message }),
  });
  encoder.configure({ codec: 'vp8', width, height, bitrate: 80_000, framerate: framesPerSecond });
  for (let n = 0; n < seconds * framesPerSecond; n++) {
    const t = n / framesPerSecond;
    context.fillStyle = '#14181a';
    context.fillRect(0, 0, width, height);
    for (let seed = 0; seed < 24 * t; seed++) {
      const angle = seed * 2.39996 + t / 8;
      const radius = 5.4 * Math.sqrt(seed);
      context.fillStyle = `hsl(${170 - seed / 6} 55% ${45 + radius / 6}%)`;
      context.beginPath();
      context.arc(width / 2 + radius * Math.cos(angle), height / 2 + radius * Math.sin(angle), 1.2 + radius / 40, 0, 7);
      context.fill();
    }
    context.fillStyle = '#e7e5df';
    context.font = '22px monospace';
    context.fillText(`${Math.floor(t)} s`, 18, 34);
    const frame = new VideoFrame(context.canvas, { timestamp: Math.round(t * 1e6) });
    encoder.encode(frame, { keyFrame: n % (2 * framesPerSecond) === 0 });
    frame.close();
  }
  await encoder.flush();
  return frames;
}

/** One EBML element: its identifier in hex, its size in eight bytes, its content. */
function element(id, ...content) {
  const body = Buffer.concat(content.map((part) => (typeof part === 'number' ? unsigned(part) : Buffer.from(part))));
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(body.length) | (1n << 56n));
  return Buffer.concat([Buffer.from(id, 'hex'), size, body]);
}

function unsigned(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}

function double(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(number);
  return bytes;
}

function block({ key, ms, base64 }, clusterMs) {
  const head = Buffer.from([0x81, 0, 0, key ? 0x80 : 0]);
  head.writeInt16BE(ms - clusterMs, 1);
  return element('a3', head, Buffer.from(base64, 'base64'));
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage();
await page.goto('chrome://version'); // encoders are there for secure pages only
const frames = (await page.evaluate(draw, film)).map((frame) => ({ ...frame, ms: Math.round(frame.ms) }));
await browser.close();

const clusters = [];
for (const frame of frames) {
  if (frame.key) clusters.push({ ms: frame.ms, frames: [] });
  clusters.at(-1).frames.push(frame);
}
const header = element('1a45dfa3', element('4282', 'webm'), element('4287', 2), element('4285', 2));
const info = element(
  '1549a966',
  element('2ad7b1', 1_000_000),
  element('4489', double(film.seconds * 1000)),
  element('4d80', 'onezero'),
  element('5741', 'onezero'),
);
const picture = element('e0', element('b0', film.width), element('ba', film.height));
const track = element(
  '1654ae6b',
  element('ae', element('d7', 1), element('73c5', 1), element('83', 1), element('86', 'V_VP8'), picture),
);
const bodies = clusters.map(({ ms, frames }) =>
  element('1f43b675', element('e7', ms), ...frames.map((one) => block(one, ms))),
);

/** The index says where each cluster begins; its own length does not depend on what it says. */
function cues(firstCluster) {
  let at = firstCluster;
  return element(
    '1c53bb6b',
    ...clusters.map(({ ms }, n) => {
      const position = at;
      at += bodies[n].length;
      return element('bb', element('b3', ms), element('b7', element('f7', 1), element('f1', position)));
    }),
  );
}
const before = info.length + track.length;
const index = cues(before + cues(0).length);
writeFileSync(
  new URL('htdocs/files/sunflower.webm', import.meta.url),
  Buffer.concat([header, element('18538067', info, track, index, ...bodies)]),
);
