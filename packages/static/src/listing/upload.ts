// Uploading from a listing: the one script there is, on pages of folders that may be written to. Files are chosen by a button or
// dropped on the page, and go out one after the other, each as one PUT: the server stores it whole or not at all. A file that
// exists is replaced only if the visitor says so. Without script the page is the same but for the button.

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
const upload = async (file) => {
  const item = make('li');
  const label = make('bdi', { textContent: file.name });
  const progress = make('progress', { max: 1, value: 0 });
  const state = make('span', { textContent: 'Uploading' });
  progress.setAttribute('aria-label', file.name);
  item.append(label, progress, state);
  list.append(item);
  const show = (part) => { progress.value = part; };
  let status = await send(file, show, [['If-None-Match', '*']]);
  if (status === 412) {
    if (!confirm('Replace ' + file.name + '?')) status = -1;
    else status = await send(file, show, []);
  }
  const isDone = status === 201 || status === 204;
  const reasons = { '-1': 'Kept as it was', 0: 'The connection broke off', 401: 'Sign in first', 403: 'Not allowed', 404: 'This name is not allowed', 409: 'There is a folder of this name', 413: 'Too large', 507: 'No room left' };
  state.textContent = isDone ? 'Done' : reasons[status] || 'Failed (' + status + ')';
  if (!isDone) progress.remove();
  return isDone;
};
const uploadAll = async (files) => {
  let isClean = files.length > 0;
  for (const file of files) isClean = (await upload(file)) && isClean;
  if (isClean) location.reload();
};
button.onclick = () => input.click();
input.onchange = () => uploadAll([...input.files]);
addEventListener('dragover', (event) => { event.preventDefault(); document.body.classList.add('drop'); });
addEventListener('dragleave', () => document.body.classList.remove('drop'));
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('drop');
  const items = [...event.dataTransfer.items].filter((item) => item.kind === 'file' && !item.webkitGetAsEntry()?.isDirectory);
  uploadAll(items.map((item) => item.getAsFile()));
});
`;

/** What the policy of a page has to allow for the script, and for nothing else. */
export const UPLOAD_POLICY: string = [
  `script-src 'sha256-${createHash('sha256').update(UPLOAD_SCRIPT).digest('base64')}'`,
  "connect-src 'self'",
].join('; ');
