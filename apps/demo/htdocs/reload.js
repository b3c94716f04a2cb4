// The page as it is now goes into the form, and back into its file when it is saved.
const form = document.querySelector('#reload');
const { text } = form.elements;
const answer = document.querySelector('.wire');

text.value = await (await fetch('/draft/index.html')).text();

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { status, statusText } = await fetch('/draft/index.html', { method: 'PUT', body: text.value });
  answer.textContent = `PUT /draft/index.html\n\n${status} ${statusText}`;
});
