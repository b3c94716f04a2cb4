// Figures to Markdown tables and one SVG chart. Ratios are made round by round, so that a change in the machine's
// speed touches both sides of each.

/** `{ median, min, max }` of some numbers; NaN where there are none. */
export function spread(values) {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

/** The ratio of two series of figures, pair by pair. */
export function ratio(series, baseline) {
  return spread(series.map((value, index) => value / baseline[index]));
}

/** `1.20 (1.05..1.31)`, or a dash. */
export function ratioText({ median, min, max }) {
  return Number.isNaN(median) ? '–' : `${median.toFixed(2)} (${min.toFixed(2)}..${max.toFixed(2)})`;
}

export function table(header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

const BAR_HEIGHT = 14;
const GROUP_GAP = 18;
const LABEL_WIDTH = 190;
const CHART_WIDTH = 760;
const COLOURS = ['#8a94a6', '#b6bdc9', '#5b8c7b', '#b07d62', '#c9a227', '#a35d8f'];

/** Ours is the one to look for. */
const OURS = '#3266d6';

/** Longer bars end here; their figures say how far they would go. */
const LONGEST_BAR = 2.5;

function colourOf(names, index) {
  if (names[index].startsWith('onezero')) return OURS;
  const others = names.slice(0, index).filter((name) => !name.startsWith('onezero'));
  return COLOURS[others.length % COLOURS.length];
}

/** Grouped horizontal bars: one group a case, one bar a server, 1.0 = the baseline. Readable in light and dark. */
export function chart(title, groups, names) {
  const all = groups.flatMap((group) => group.values.filter(Number.isFinite));
  const largest = Math.min(LONGEST_BAR, Math.max(1.2, ...all));
  const scale = (CHART_WIDTH - LABEL_WIDTH - 60) / largest;
  const parts = [];
  let y = 80;
  names.forEach((name, index) => {
    const x = LABEL_WIDTH + (index % 3) * 180;
    const row = 30 + Math.floor(index / 3) * 16;
    parts.push(`<rect x="${x}" y="${row - 9}" width="10" height="10" fill="${colourOf(names, index)}"/>`);
    parts.push(`<text x="${x + 14}" y="${row}">${escape(name)}</text>`);
  });
  const top = y - 6;
  for (const group of groups) {
    parts.push(
      `<text x="${LABEL_WIDTH - 10}" y="${y + (group.values.length * BAR_HEIGHT) / 2 + 4}" text-anchor="end">${escape(group.label)}</text>`,
    );
    group.values.forEach((value, index) => {
      if (!Number.isFinite(value)) return;
      const width = Math.max(1, Math.min(value, LONGEST_BAR) * scale).toFixed(1);
      parts.push(
        `<rect x="${LABEL_WIDTH}" y="${y + index * BAR_HEIGHT}" width="${width}" height="${BAR_HEIGHT - 3}" fill="${colourOf(names, index)}"/>`,
      );
      parts.push(
        `<text class="figure" x="${LABEL_WIDTH + Number(width) + 4}" y="${y + index * BAR_HEIGHT + 9}">${value.toFixed(2)}</text>`,
      );
    });
    y += group.values.length * BAR_HEIGHT + GROUP_GAP;
  }
  const one = LABEL_WIDTH + scale;
  parts.push(`<line x1="${one}" x2="${one}" y1="${top}" y2="${y - GROUP_GAP}" stroke="#888" stroke-dasharray="3 3"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${CHART_WIDTH} ${y}" role="img" aria-label="${escape(title)}">
<style>text{font:12px system-ui,sans-serif;fill:#333}.figure{font-size:10px}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>
<text x="8" y="14" font-weight="bold">${escape(title)}</text>
${parts.join('\n')}
</svg>
`;
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
