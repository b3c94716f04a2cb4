// Uploading from a listing: the one script there is, on pages of folders that may be written to. Files are chosen by a button or
// dropped on the page, and go out one after the other, each as one PUT: the server stores it whole or not at all. A file that
// exists is replaced only if the visitor says so. Where some were refused, their reasons stay above the new list. Without script the page is the same but for the button.

import { createHash } from 'node:crypto';

export const UPLOAD_SCRIPT: string = `
const make = (name, properties) => Object.assign(document.createElement(name), properties);
const input = make('input', { type: 'file', multiple: true, hidden: true });
const button = make('button', { type: 'button', textContent: 'Upload files' });
const list = make('ul', { className: 'uploads' });
list.setAttribute('aria-live', 'polite');
document.querySelector('header').append(button, input);
document.querySelector('.card').before(list);
const send = (file, show, fields) => new Promise((resolve) => {
  const request = new XMLHttpRequest();
  request.open('PUT', './' + encodeURIComponent(file.name));
  for (const [name, value] of fields) request.setRequestHeader(name, value);
  request.upload.onprogress = (event) => { if (event.lengthComputable) show(event.loaded / event.total); };
  request.onloadend = () => resolve(request.status);
  request.send(file);
});
const entry = (name, ...parts) => {
  const item = make('li');
  item.append(make('bdi', { textContent: name }), ...parts);
  list.append(item);
};
const upload = async (file) => {
  const progress = make('progress', { max: 1, value: 0 });
  const state = make('span', { textContent: 'Uploading' });
  progress.setAttribute('aria-label', file.name);
  entry(file.name, progress, state);
  const show = (part) => { progress.value = part; };
  let status = await send(file, show, [['If-None-Match', '*']]);
  if (status === 412) {
    if (!confirm('Replace ' + file.name + '?')) status = -1;
    else status = await send(file, show, []);
  }
  const isDone = status === 201 || status === 204;
  const reasons = { '-1': 'Kept as it was', 0: 'The connection broke off', 401: 'Sign in first', 403: 'Not allowed', 404: 'This name is not allowed', 409: 'There is a folder of this name', 413: 'Too large', 507: 'No room left' };
  state.textContent = isDone ? 'Done' : reasons[status] || 'Failed (' + status + ')';
  if (isDone) show(1);
  else progress.remove();
  return isDone;
};
const uploadAll = async (files, isAll = true) => {
  let done = 0;
  for (const file of files) if (await upload(file)) done++;
  if (done === 0) return;
  if (isAll && done === files.length) return location.reload();
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of ['.card', 'footer']) document.querySelector(part).replaceWith(page.querySelector(part));
};
button.onclick = () => input.click();
input.onchange = () => {
  const files = [...input.files];
  input.value = '';
  uploadAll(files);
};
addEventListener('dragover', (event) => { event.preventDefault(); document.body.classList.add('drop'); });
addEventListener('dragleave', () => document.body.classList.remove('drop'));
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('drop');
  const files = [];
  let isAll = true;
  for (const item of event.dataTransfer.items) {
    if (item.kind !== 'file') continue;
    const found = item.webkitGetAsEntry();
    if (!found?.isDirectory) files.push(item.getAsFile());
    else {
      isAll = false;
      entry(found.name, make('span', { textContent: 'Folders are not uploaded; choose the files in it' }));
    }
  }
  uploadAll(files, isAll);
});
`;

/** What the policy of a page has to allow for the script, and for nothing else. */
export const UPLOAD_POLICY: string = [
  `script-src 'sha256-${createHash('sha256').update(UPLOAD_SCRIPT).digest('base64')}'`,
  "connect-src 'self'",
].join('; ');
