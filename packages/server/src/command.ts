export { runCommand } from './command-line/command.ts';
