import { wsgi } from '@onezero/python';

// Python brings a small application along; yours is named the same way, such as 'shop.wsgi:application'.
const application = wsgi({ application: 'wsgiref.simple_server:demo_app', processes: 1 });

const response = await application({
  method: 'GET',
  target: '/shop/things?colour=blue',
  version: '1.1',
  scheme: 'http',
  scriptName: '/shop',
  pathInfo: '/things',
  query: 'colour=blue',
  fields: [['host', 'localhost:8080']],
  contentLength: 0,
  content: (async function* () {})(),
  remote: { address: '127.0.0.1', port: 50_000 },
  local: { address: '127.0.0.1', port: 8080 },
});

console.log(response.status, response.fields);
const text = Buffer.from(response.content).toString();
console.log(text.match(/^(Hello.*|PATH_INFO.*|QUERY_STRING.*|SCRIPT_NAME.*)$/gm).join('\n'));
await application.close();
