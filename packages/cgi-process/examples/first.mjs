import { startProcess } from '@onezero/cgi-process';

const sort = await startProcess('sort', ['-n'], { environment: { LC_ALL: 'C' } });

await sort.stdin.write(Buffer.from('10\n9\n100\n'));
await sort.stdin.end();

for await (const chunk of sort.stdout) process.stdout.write(chunk);

const { code, signal } = await sort.exited;
console.log(`exited with ${code ?? signal}`);
