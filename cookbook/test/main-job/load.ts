// Clients that ask one thing after another over kept connections and look at every answer, until they are stopped.
import { Agent, request } from 'node:http';

/** One thing to ask, and how to tell that the answer is whole and right. */
export interface Question {
  readonly method?: string;
  readonly path: string;
  readonly content?: Buffer;
  readonly isRight: (status: number, content: Buffer) => boolean;
}

export interface Load {
  /** Answers that were right, by path. */
  readonly right: ReadonlyMap<string, number>;
  /** What went wrong, one line for each request. */
  readonly wrong: readonly string[];
  readonly total: number;
  /** Ends every client after the answer it waits for. */
  readonly stop: () => Promise<void>;
}

/** Starts `clients` loops over the questions; each begins at another one. */
export function startLoad(port: number, questions: readonly Question[], clients: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const right = new Map<string, number>();
  const wrong: string[] = [];
  const load = { right, wrong, total: 0 };
  let isOver = false;
  const run = async (first: number): Promise<void> => {
    for (let number = first; !isOver; number++) {
      const question = questions[number % questions.length] as Question;
      const problem = await ask(agent, port, question);
      load.total++;
      if (problem === undefined) right.set(question.path, (right.get(question.path) ?? 0) + 1);
      else wrong.push(`${question.method ?? 'GET'} ${question.path}: ${problem}`);
    }
  };
  const loops = Array.from({ length: clients }, async (_, first) => run(first));
  return Object.assign(load, {
    stop: async () => {
      isOver = true;
      await Promise.all(loops);
      agent.destroy();
    },
  });
}

/** What is wrong with the answer; undefined when it is right. */
export async function ask(agent: Agent | undefined, port: number, question: Question): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { method = 'GET', path, content, isRight } = question;
    const headers = content === undefined ? {} : { 'content-length': content.length };
    const outgoing = request(
      { host: '127.0.0.1', port, path, method, headers, ...(agent && { agent }) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => {
          const bytes = Buffer.concat(chunks);
          const isFine = response.complete && isRight(response.statusCode ?? 0, bytes);
          resolve(
            isFine ? undefined : `${response.statusCode} with ${bytes.length} bytes: ${bytes.toString().slice(0, 200)}`,
          );
        });
        response.once('error', (error) => resolve(`broken off: ${error.message}`));
      },
    );
    outgoing.once('error', (error) => resolve(error.message));
    outgoing.end(content);
  });
}
