// Copies the recipes' files into the pages that show them: `node embed.mjs` in this folder, after changing one.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

for (const recipe of readdirSync(import.meta.dirname)) {
  const page = join(import.meta.dirname, recipe, 'README.md');
  if (!existsSync(page)) continue;
  const text = readFileSync(page, 'utf8').replaceAll(
    /^(```\w+ (?!background$)(\S+)\n)[^]*?^```$/gm,
    (_, fence, file) => {
      return `${fence}${readFileSync(join(import.meta.dirname, recipe, file), 'utf8')}\`\`\``;
    },
  );
  writeFileSync(page, text);
}
