// A visitor with a browser: keeps cookies, follows redirects, fills forms in.

/** @typedef {{ status: number, type: string | undefined, text: string, bytes: Buffer, url: string }} Page */

/** The most redirects that are followed. */
const MAX_REDIRECTS = 10;

export class Visitor {
  #cookies = new Map();

  /** @param {string} origin */
  constructor(origin) {
    this.origin = origin;
  }

  /** @param {string} path */
  async get(path) {
    return this.#ask(path, { method: 'GET' });
  }

  /** @param {string} path @param {BodyInit} body @param {string=} type @param {Record<string, string>=} headers */
  async post(path, body, type, headers = {}) {
    return this.#ask(path, {
      method: 'POST',
      body,
      headers: { ...headers, ...(type !== undefined && { 'Content-Type': type }) },
    });
  }

  /** Fills in the form of a page that `isIt` finds, and sends it without the buttons of those names. */
  async submit(path, isIt, values, without = []) {
    return this.submitPage(await this.get(path), isIt, values, without);
  }

  async submitPage(page, isIt, values, without = []) {
    const forms = formsOf(page.text);
    const form = forms.find(({ fields }) => isIt(fields));
    if (form === undefined) throw new Error(`no such form at ${page.url}: ${page.status} ${page.text.slice(0, 2000)}`);
    const fields = { ...form.fields, ...values };
    for (const name of without) if (!(name in values)) delete fields[name];
    const given = Object.entries(fields).filter(([, value]) => value !== undefined);
    const target = new URL(form.action === '' ? page.url : form.action, page.url);
    const path = target.pathname + target.search;
    if (form.isMultipart) {
      const data = new FormData();
      for (const [name, value] of given) data.set(name, value);
      return this.post(path, data);
    }
    return this.post(path, String(new URLSearchParams(given)), 'application/x-www-form-urlencoded');
  }

  /** @returns {Promise<Page>} */
  async #ask(path, init, redirects = 0) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...init.headers, ...(cookie !== '' && { Cookie: cookie }) };
    const response = await fetch(this.origin + path, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || value === 'deleted') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const location = response.headers.get('location');
    const url = this.origin + path;
    const bytes = Buffer.from(await response.arrayBuffer());
    if (location !== null && response.status >= 300 && response.status < 400 && redirects < MAX_REDIRECTS) {
      const next = new URL(location, url);
      const isKept = response.status === 307 || response.status === 308;
      return this.#ask(next.pathname + next.search, isKept ? init : { method: 'GET' }, redirects + 1);
    }
    const type = response.headers.get('content-type')?.split(';')[0];
    return { status: response.status, type, text: bytes.toString(), bytes, url };
  }
}

const unescaped = (text) =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&#039;', "'")
    .replaceAll('&#43;', '+')
    .replaceAll('&amp;', '&');

function attributesOf(tag) {
  const found = {};
  for (const [, name, , double, single, bare] of tag.matchAll(/([\w-]+)(?:\s*=\s*("([^"]*)"|'([^']*)'|([^\s>]+)))?/g)) {
    found[name.toLowerCase()] = unescaped(double ?? single ?? bare ?? '');
  }
  return found;
}

/** The forms of a page with what would be sent: enough of HTML for the pages of installers. */
function formsOf(html) {
  return [...html.matchAll(/<form\b([^>]*)>([^]*?)<\/form>/gi)].map(([, head, body]) => {
    const { action = '', enctype } = attributesOf(head);
    const fields = {};
    for (const [, tag] of body.matchAll(/<(?:input|button)\b([^>]*)>/gi)) {
      const { name, value = 'on', type = 'text', ...rest } = attributesOf(tag);
      const isChosen = !['checkbox', 'radio'].includes(type.toLowerCase()) || 'checked' in rest;
      if (name !== undefined && isChosen && type !== 'file')
        fields[name] = type === 'checkbox' || 'value' in attributesOf(tag) ? value : '';
    }
    for (const [, tag, text] of body.matchAll(/<textarea\b([^>]*)>([^]*?)<\/textarea>/gi)) {
      const { name } = attributesOf(tag);
      if (name !== undefined) fields[name] = unescaped(text.replace(/^\r?\n/, ''));
    }
    for (const [, tag, options] of body.matchAll(/<select\b([^>]*)>([^]*?)<\/select>/gi)) {
      const { name } = attributesOf(tag);
      const all = [...options.matchAll(/<option\b([^>]*)>/gi)].map(([, one]) => attributesOf(one));
      if (name !== undefined) fields[name] = (all.find((one) => 'selected' in one) ?? all[0])?.value ?? '';
    }
    return { action, isMultipart: enctype === 'multipart/form-data', fields };
  });
}
