// The pages of the tour: a frame around each file of pages/, with the sources it names printed beside it.
//
// `<!-- source FILE -->` becomes the file as it is on disk now, `<!-- source FILE: WORDS -->` the lines that contain the
// words; what follows `<!-- beside -->` goes to the right. So the source that a visitor reads is the one that runs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { coloured } from './colour.ts';
import type { RequestMessage, Responder, ResponseMessage } from '@onezero/server';

interface Stop {
  readonly name: string;
  readonly file: string;
  readonly title: string;
}

/** Answers `/NAME` with the stop of that name, and `/` with the way to the map; `folder` holds `pages/` and everything the pages quote. */
export function tour(folder: string): Responder {
  const stops = readdirSync(join(folder, 'pages'))
    .toSorted()
    .map((page): Stop => {
      const file = join(folder, 'pages', page);
      return { name: page.slice(3, -5), file, title: /<h1>(.*)<\/h1>/.exec(readFileSync(file, 'utf8'))?.[1] ?? page };
    });
  return ({ pathInfo, scheme, authority }: RequestMessage): ResponseMessage => {
    const at = stops.findIndex(({ name }) => `/${name}` === pathInfo);
    if (pathInfo === '' || pathInfo === '/') return { status: 302, fields: [['location', '/']] };
    if (at === -1) return { status: 404, fields: [] };
    const html = render(stops, at, folder).replaceAll('{{origin}}', `${scheme}://${authority ?? 'localhost'}`);
    return { status: 200, fields: [['content-type', 'text/html; charset=utf-8']], content: Buffer.from(html) };
  };
}

function render(stops: readonly Stop[], at: number, folder: string): string {
  const stop = stops[at] as Stop;
  const [written = '', beside = ''] = readFileSync(stop.file, 'utf8').split('<!-- beside -->');
  const story = written
    .replaceAll(/\{\{empty (.+?)\}\}/g, (_, words: string) => emptyFrame(words))
    .replaceAll(/<pre class="shell">.*?<\/pre>/gs, withWholeFlags);
  const sources = beside.replaceAll(/<!-- source (\S+?)(?:: (.+?))? -->/g, (_, file: string, words?: string) =>
    figure(file, excerpt(readFileSync(join(folder, file), 'utf8'), words), words === undefined ? 'whole' : 'lines'),
  );
  const extra = story.includes(`id="${stop.name}"`) ? `<script type="module" src="/${stop.name}.js"></script>` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${stop.title} · onezero</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/style.css">
<script type="module" src="/tour.js"></script>${extra}
</head>
<body>
<a class="skip" href="#stop">Skip to the stop</a>
<header class="top"><a href="/"><img src="/favicon.svg" alt="">onezero</a><span>stop ${at + 1} of ${stops.length}</span></header>
<main id="stop"><div class="stop"><section>${story}</section><section aria-label="Source">${sources}</section></div></main>
<nav class="way" aria-label="Stops">${way(stops[at - 1], 'prev', '←')}${way(stops[at + 1], 'next', '→')}</nav>
</body>
</html>
`;
}

/** A command whose flags are not broken behind their hyphens where it needs another line. */
function withWholeFlags(command: string): string {
  return command.replaceAll(/(?<=\s)-[\w-]+/g, '<span>$&</span>');
}

/** What a frame shows before something is pressed, as the value of its `srcdoc`. */
function emptyFrame(words: string): string {
  const page = `<!doctype html><html lang='en'><title>Empty</title><link rel='stylesheet' href='/style.css'><body class='small'><p>${words}`;
  return page.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
}

function way(stop: Stop | undefined, rel: 'prev' | 'next', arrow: string): string {
  if (stop === undefined) return `<a class="${rel}" href="/">${rel === 'next' ? 'Back to the map' : '← The map'}</a>`;
  const label = rel === 'prev' ? `${arrow} ${stop.title}` : `${stop.title} ${arrow}`;
  return `<a class="${rel}" rel="${rel}" href="/tour/${stop.name}">${label}</a>`;
}

function figure(file: string, source: string, kind: 'whole' | 'lines'): string {
  return `<figure class="${kind}"><figcaption>${file}</figcaption><pre tabindex="0"><code>${coloured(source, file)}</code></pre></figure>`;
}

function excerpt(source: string, words: string | undefined): string {
  if (words === undefined) return source.trimEnd();
  return source
    .split('\n')
    .filter((line) => line.includes(words) && !line.startsWith('<!--'))
    .map((line) => line.trim())
    .join('\n');
}
