// As much of Markdown as checking links takes: inline links, images, headings, and what is code and therefore neither.

export interface Link {
  readonly text: string;
  readonly target: string;
}

/** Links and images outside of code. */
export function links(markdown: string): Link[] {
  const text = markdown.replaceAll(/^```[^]*?^```$/gm, '');
  return [...text.matchAll(/\[((?:[^\][]|`[^`]*`)*)\]\(([^)\s]+)\)/g)]
    .filter(({ index }) => (text.slice(0, index).split('\n').at(-1) as string).split('`').length % 2 === 1)
    .map(([, label = '', target = '']) => ({ text: label, target }));
}

/** The anchors that a forge gives to the headings. */
export function anchors(markdown: string): string[] {
  const seen = new Map<string, number>();
  const text = markdown.replaceAll(/^```[^]*?^```$/gm, '');
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}
