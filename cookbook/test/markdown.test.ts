import { describe, expect, test } from 'vitest';
import { anchors, links } from './markdown.ts';

describe('links', () => {
  test('finds links and images, and the text of each', () => {
    expect(links('See [the `x` page](a/b.md#c) and ![a picture](d.png).')).toEqual([
      { text: 'the `x` page', target: 'a/b.md#c' },
      { text: 'a picture', target: 'd.png' },
    ]);
  });

  test('leaves code alone', () => {
    expect(links('`[a](b)`\n```js\n[c](d)\n```\n')).toEqual([]);
  });
});

describe('anchors', () => {
  test('are what a forge makes of headings, numbered where they repeat', () => {
    expect(anchors('# A `b` (c)!\n## Next, one\n## Next, one\n```sh\n# no heading\n```\n')).toEqual([
      'a-b-c',
      'next-one',
      'next-one-1',
    ]);
  });
});
