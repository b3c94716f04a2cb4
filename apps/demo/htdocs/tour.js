// Makes the buttons of the tour speak HTTP and shows what went over the wire. Without it every link and form still works.
const wire = document.querySelector('.wire');

function line(text, className) {
  const element = document.createElement('span');
  element.textContent = `${text}\n`;
  if (className) element.className = className;
  return element;
}

/** Shows one exchange: the request line, the status line, the fields that matter, the first of the content. */
export async function show(method, target, options = {}) {
  const { headers = {}, body } = options;
  const exchange = [line(`${method} ${target}`, 'asked')];
  for (const [name, value] of Object.entries(headers)) exchange.push(line(`${name}: ${value}`));
  const response = await fetch(target, { method, headers, body, cache: 'no-store' });
  const content = new Uint8Array(await response.arrayBuffer());
  const answer = line(`\n${response.status} ${response.statusText}`, response.status >= 400 ? 'failed' : 'answered');
  exchange.push(answer);
  for (const name of ['content-type', 'content-length', 'content-range', 'etag', 'allow', 'location', 'retry-after']) {
    if (response.headers.has(name)) exchange.push(line(`${name}: ${response.headers.get(name)}`));
  }
  const type = response.headers.get('content-type') ?? '';
  const readable = /^text\/plain|json|xml/.test(type) ? `\n${new TextDecoder().decode(content.subarray(0, 1500))}` : '';
  exchange.push(line(readable || `(${content.length} bytes of content)`));
  wire.replaceChildren(...exchange);
  return response;
}

for (const button of document.querySelectorAll('[data-ask]')) {
  button.addEventListener('click', async () => {
    const { ask, range, accept, depth, destination, content, again } = button.dataset;
    const [method, target] = ask.split(' ');
    const place = destination && new URL(destination, location.href).href;
    const fields = { range, accept, depth, destination: place };
    const headers = Object.fromEntries(Object.entries(fields).filter(([, value]) => value));
    const first = await show(method, target, { headers, body: content });
    if (again === undefined) return;
    const before = [...wire.childNodes, line('')];
    await show(method, target, { headers: { 'if-none-match': first.headers.get('etag') } });
    wire.prepend(...before);
  });
}

// Left and right walk the tour, unless somebody is writing or a player has the focus.
addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest('input, textarea, select, video, pre')) return;
  const rel = { ArrowLeft: 'prev', ArrowRight: 'next' }[event.key];
  document.querySelector(`a[rel=${rel}]`)?.click();
});
