// Sources in four colours: comments, text, words of the language, and the rest. A tokenizer of a page; what it does not know
// stays as it is.

/** Comments of a kind of file, as the source of a pattern. */
const COMMENTS: Readonly<Record<string, string>> = {
  ts: String.raw`\/\/[^\n]*|\/\*[^]*?\*\/`,
  py: String.raw`#[^\n]*`,
  html: '<!--[^]*?-->',
  php: String.raw`<!--[^]*?-->|\/\*[^]*?\*\/`,
};

const TEXTS = String.raw`'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|` + '`(?:\\\\.|[^`\\\\])*`';

const WORDS =
  'async await break case catch class const continue def default do done echo elif else esac except export extends fi finally for from function if import in interface lambda let my new of pass print printf raise readonly return self sub switch then throw try type use while with yield True False None true false undefined null';

const KINDS: Readonly<Record<string, string>> = {
  mjs: 'ts',
  js: 'ts',
  ts: 'ts',
  py: 'py',
  pl: 'py',
  sh: 'py',
  html: 'html',
  php: 'php',
};

/** A source as HTML, escaped. */
export function coloured(source: string, file: string): string {
  const kind = KINDS[file.split('.').at(-1) ?? ''];
  if (kind === undefined) return escape(source);
  const words = kind === 'html' ? '' : `|\\b(?<word>${WORDS.replaceAll(' ', '|')})\\b`;
  const pattern = new RegExp(`(?<comment>${COMMENTS[kind]})|(?<text>${TEXTS})${words}`, 'g');
  let at = 0;
  let html = '';
  for (const { index, 0: token, groups = {} } of source.matchAll(pattern)) {
    const name = Object.keys(groups).find((one) => groups[one] !== undefined);
    html += `${escape(source.slice(at, index))}<span class="${name}">${escape(token)}</span>`;
    at = index + token.length;
  }
  return html + escape(source.slice(at));
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
