import type { IncomingMessage, ServerResponse } from 'node:http';

export interface PageFacts {
  readonly label: string;
  /** Where the WebSocket endpoint is. */
  readonly address: string;
  /** Where to open it in an editor. */
  readonly liveUrl: string;
  readonly isReady: boolean;
  /** What is told to programs that watch; absent where nothing is. */
  readonly metrics?: () => Promise<HttpAnswer>;
}

/** What a plain HTTP request is answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly type: 'text/html' | 'text/plain' | 'text/plain; version=0.0.4';
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a plain HTTP request: a page for people, some paths for watchdogs. Never fails on what it is asked. */
export async function answerHttp(request: IncomingMessage, response: ServerResponse, facts: PageFacts): Promise<void> {
  request.resume();
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const answer = isRead ? await answerFor(request.url ?? '/', facts) : text(405, 'only GET is answered here');
  const { status, type, body, headers } = answer;
  response.writeHead(status, {
    ...headers,
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ...(status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answerFor(url: string, facts: PageFacts): Promise<HttpAnswer> {
  const [path] = url.split('?', 1);
  switch (path) {
    case '/':
      return { status: 200, type: 'text/html', body: html(facts) };
    case '/healthz':
      return text(200, 'ok');
    case '/readyz':
      return facts.isReady ? text(200, 'ready') : text(503, 'not ready');
    case '/metrics':
      return facts.metrics ? await facts.metrics() : text(404, 'there is nothing here');
    default:
      return text(404, 'there is nothing here');
  }
}

export function text(status: number, line: string): HttpAnswer {
  return { status, type: 'text/plain', body: `${line}\n` };
}

function html({ label, address, liveUrl }: PageFacts): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escapeHtml(label)}</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 3em auto">
<h1>${escapeHtml(label)}</h1>
<p>A msgflo runtime. It speaks the FBP runtime protocol over WebSocket at <code>${escapeHtml(address)}</code>.</p>
<p><a href="${escapeHtml(liveUrl)}">Open the network in a visual editor</a></p>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
