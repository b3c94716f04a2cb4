// One WebSocket for as long as the page is open; what is written goes out, what comes is shown.
const form = document.querySelector('#socket');
const wire = document.querySelector('.wire');
const socket = new WebSocket(Object.assign(new URL('/echo', location.href), { protocol: location.protocol.replace('http', 'ws') }));

function show(text) {
  wire.append(`${text}\n`);
}

socket.addEventListener('open', () => show('101 Switching Protocols'));
socket.addEventListener('message', ({ data }) => show(`← ${data}`));
socket.addEventListener('close', ({ code }) => show(`closed (${code})`));

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const { value } = form.elements.text;
  if (socket.readyState !== WebSocket.OPEN) return show('the connection is not open');
  show(`→ ${value}`);
  socket.send(value);
});
