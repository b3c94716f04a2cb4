// `onezero completions <shell>`, written out of the table of options.

import { COMMANDS } from '../configuration/arguments.ts';
import { flagName, isNegatable, type Shape } from '../options/option.ts';
import { optionEntries } from '../options/table.ts';
import { commandSummaries, RECIPES } from './command-summaries.ts';

/** What is printed, by the name that it is asked for by. */
const PRINTERS = { bash, zsh, fish } as const;

export const shells: readonly string[] = Object.keys(PRINTERS);

/** The words that follow a command. */
const FOLLOWING: readonly (readonly [string, string])[] = [
  ['recipe', RECIPES.join(' ')],
  ['completions', shells.join(' ')],
];

/** Prints what makes a shell complete the command. Resolves to the exit code. */
export function printCompletions(shell: string | undefined): number {
  const print = Object.entries(PRINTERS).find(([name]) => name === shell)?.[1];
  if (print === undefined) {
    process.stderr.write(`Error: onezero completions needs a shell: ${shells.join(', ')}\n`);
    return 2;
  }
  process.stdout.write(print());
  return 0;
}

/** A flag as a shell sees it. */
interface Flag {
  /** Without dashes. */
  readonly long: string;
  readonly short: readonly string[];
  readonly value: 'none' | 'optional' | 'required';
  /** Words that it takes, if they can be listed. */
  readonly words: readonly string[];
  readonly isPath: boolean;
  readonly summary: string;
}

function flags(): readonly Flag[] {
  const own = optionEntries.flatMap(([key, option]): Flag[] => {
    if (option.only === 'file') return [];
    const { summary, short = [], bare, aliases = [] } = option;
    const name = flagName(key, option);
    const value = bare === undefined ? 'required' : option.placeholder === undefined ? 'none' : 'optional';
    const flag = {
      long: name,
      short,
      value,
      words: wordsOf(option.shape),
      isPath: takesPath(option.shape),
      summary,
    } as const;
    const no = {
      long: `no-${name}`,
      short: [],
      value: 'none',
      words: [],
      isPath: false,
      summary: `Not: ${summary}`,
    } as const;
    const others = aliases.map((long): Flag => ({ ...flag, long, short: [] }));
    return [flag, ...others, ...(isNegatable(option) ? [no] : [])];
  });
  const plain = { value: 'none', words: [], isPath: false } as const;
  return [
    ...own,
    { ...plain, long: 'help', short: ['h'], summary: 'Show the flags' },
    { ...plain, long: 'version', short: ['v', 'V'], summary: 'Show the version' },
  ];
}

function wordsOf(shape: Shape): readonly string[] {
  if (shape.type === 'choice') return shape.values.map(String);
  return shape.type === 'either' ? shape.shapes.flatMap(wordsOf) : [];
}

function takesPath(shape: Shape): boolean {
  if (shape.type === 'either') return shape.shapes.some(takesPath);
  return shape.type === 'path' || (shape.type === 'list' && takesPath(shape.item));
}

function spellings({ long, short }: Flag): readonly string[] {
  return [`--${long}`, ...short.map((letter) => `-${letter}`)];
}

function bash(): string {
  const all = flags();
  const cases = all
    .filter(({ value }) => value !== 'none')
    .map((flag) => {
      const generate = flag.isPath ? '-f' : flag.words.length > 0 ? `-W '${flag.words.join(' ')}'` : undefined;
      const reply = generate === undefined ? 'return' : `_onezero_reply -P "$lead" ${generate} -- "$word"; return`;
      // A value that may be left out follows its flag in the same word.
      const before = flag.value === 'required' ? spellings(flag) : [];
      return `    ${[...before, `--${flag.long}=`].join('|')}) ${reply} ;;`;
    });
  return `# bash completion for onezero: eval "$(onezero completions bash)"
# A word for each line, whatever is in it.
_onezero_reply() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$@")
}
_onezero() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} lead=
  COMPREPLY=()
  # A flag and its value are three words where = is in COMP_WORDBREAKS, and elsewhere one, which is replaced as a whole.
  if [[ $word == = ]]; then before=$before= word=
  elif [[ $before == = ]] && (( COMP_CWORD > 1 )); then before=\${COMP_WORDS[COMP_CWORD-2]}=
  elif [[ $word == --*=* ]]; then before=\${word%%=*}= word=\${word#*=} lead=$before; fi
  case $before in
${cases.join('\n')}
  esac
  if (( COMP_CWORD == 2 )); then
    case \${COMP_WORDS[1]} in
${FOLLOWING.map(([command, words]) => `    ${command}) _onezero_reply -W '${words}' -- "$word" ;;`).join('\n')}
    esac
    (( \${#COMPREPLY[@]} == 0 )) || return
  fi
  if [[ $word == -* ]]; then
    _onezero_reply -W '${all.flatMap(spellings).join(' ')}' -- "$word"
  elif (( COMP_CWORD == 1 )); then
    _onezero_reply -W '${COMMANDS.join(' ')}' -- "$word"
    _onezero_reply -f -- "$word"
  else
    _onezero_reply -f -- "$word"
  fi
}
complete -o filenames -F _onezero onezero
`;
}

function zsh(): string {
  const quoted = (text: string): string => text.replaceAll("'", String.raw`'\''`);
  const specs = flags().flatMap((flag) => {
    const summary = quoted(flag.summary.replaceAll(/[[\]\\:]/g, String.raw`\$&`));
    const action = flag.isPath ? '_files' : flag.words.length > 0 ? `(${flag.words.join(' ')})` : ' ';
    const value = flag.value === 'none' ? '' : `:${flag.value === 'optional' ? ':' : ''}value:${action}`;
    return spellings(flag).map((name) => {
      const sign = flag.value === 'none' || !name.startsWith('--') ? '' : flag.value === 'optional' ? '=-' : '=';
      const only = !name.startsWith('--') && flag.value === 'optional' ? '' : value;
      return `  '*${name}${sign}[${summary}]${only}'`;
    });
  });
  const described = Object.entries(commandSummaries)
    .map(([name, { summary }]) => `${name}\\:${summary.replaceAll(/[^\w-]/g, String.raw`\\$&`)}`)
    .join(' ');
  return `#compdef onezero
# zsh completion for onezero: onezero completions zsh > a folder of $fpath/_onezero
_onezero() {
  local second='2:directory or file:_files'
  case $words[2] in
${FOLLOWING.map(([command, words]) => `    ${command}) second='2:word:(${words})' ;;`).join('\n')}
  esac
  _arguments -s \\
${specs.join(' \\\n')} \\
  '1: :_alternative "commands:command:((${described}))" "files:directory or file:_files"' \\
  "$second" \\
  '*:directory or file:_files'
}
if [ "$funcstack[1]" = "_onezero" ]; then _onezero "$@"; else compdef _onezero onezero; fi
`;
}

function fish(): string {
  const quoted = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`);
  const lines = flags().map((flag) => {
    const short = flag.short.map((letter) => ` -s ${letter}`).join('');
    const value = flag.value === 'required' ? (flag.isPath ? ' -r -F' : ' -x') : '';
    const words = flag.words.length > 0 && flag.value === 'required' ? ` -a '${flag.words.join(' ')}'` : '';
    return `complete -c onezero -l ${flag.long}${short}${value}${words} -d '${quoted(flag.summary)}'`;
  });
  const described = Object.entries(commandSummaries).map(
    ([name, { summary }]) => `complete -c onezero -n __fish_use_subcommand -a ${name} -d '${quoted(summary)}'`,
  );
  return `# fish completion for onezero: onezero completions fish > ~/.config/fish/completions/onezero.fish
${described.join('\n')}
${FOLLOWING.map(([command, words]) => `complete -c onezero -n '__fish_seen_subcommand_from ${command}; and not __fish_seen_subcommand_from ${words}' -f -a '${words}'`).join('\n')}
${lines.join('\n')}
`;
}
