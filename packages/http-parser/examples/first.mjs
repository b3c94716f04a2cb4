import { RequestParser } from '@onezero/http-parser';
import { ResponseWriter } from '@onezero/http-parser/serializer';

const parser = new RequestParser();
const writer = new ResponseWriter();
const show = (bytes) => process.stdout.write(bytes);

const arrived = new TextEncoder().encode('GET /greeting HTTP/1.0\r\nAccept: text/plain\r\n\r\n');

for (const event of parser.push(arrived)) {
  if (event.type === 'head') {
    writer.open(event);
    const content = new TextEncoder().encode(`You asked for ${event.pathAndQuery}.\n`);
    const fields = [['content-type', 'text/plain']];
    show(writer.head({ status: 200, fields }, { contentLength: content.length }));
    for (const bytes of writer.write(content)) show(bytes);
  }
  if (event.type === 'end') writer.end();
  if (event.type === 'error') console.log(event.error.status, event.error.message);
}
