// Draws what /live sends: one line of JSON per second, as server-sent events.
const bars = document.querySelector('#bars');
const history = [];
let before;

new EventSource('/live').addEventListener('message', ({ data }) => {
  const numbers = JSON.parse(data);
  for (const cell of document.querySelectorAll('[data-number]')) {
    cell.textContent = numbers[cell.dataset.number].toLocaleString('en');
  }
  history.push(before === undefined ? 0 : numbers.requests - before);
  before = numbers.requests;
  draw(history.slice(-60));
});

function draw(perSecond) {
  const most = Math.max(5, ...perSecond);
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('fill', 'currentColor');
  path.setAttribute('d', perSecond.map((n, x) => `M${x + 60 - perSecond.length} 20v${(-20 * n) / most}h.8V20z`).join(''));
  bars.replaceChildren(path);
}

document.querySelector('#burst').addEventListener('click', () => {
  for (let n = 0; n < 100; n++) void fetch(`/files/poem.txt?${n}`, { cache: 'no-store' });
});
