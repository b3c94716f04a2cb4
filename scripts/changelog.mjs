// How a changeset becomes an entry of CHANGELOG.md: its words and nothing else. A reader has no use for commit hashes.

/** The words of one changeset as a list item. */
async function getReleaseLine({ summary }) {
  const [title, ...rest] = summary.trim().split('\n');
  return [`- ${title}`, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n');
}

/** One line for all the siblings whose new versions a package now asks for. */
async function getDependencyReleaseLine(_changesets, dependencies) {
  if (dependencies.length === 0) return '';
  return `- Uses ${dependencies.map(({ name, newVersion }) => `${name} ${newVersion}`).join(', ')}.`;
}

export default { getReleaseLine, getDependencyReleaseLine };
