// XMLHttpRequest, because it is the one that tells how far an upload has come.
const form = document.querySelector('#upload');
const progress = document.querySelector('#upload-progress');
const answer = document.querySelector('.wire');

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const [file] = form.elements.file.files;
  const target = `/uploads/${encodeURIComponent(file.name)}`;
  const request = new XMLHttpRequest();
  request.open('PUT', target);
  request.upload.addEventListener('progress', ({ loaded, total }) => (progress.value = total ? loaded / total : 1));
  request.addEventListener('load', () => {
    answer.textContent = `PUT ${target}\n\n${request.status} ${request.statusText}\netag: ${request.getResponseHeader('etag')}`;
  });
  request.addEventListener('error', () => (answer.textContent = 'The connection broke; nothing was stored.'));
  request.send(file);
});
