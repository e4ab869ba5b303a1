import { createHash } from "node:crypto";
import type { FastifyReply } from "fastify";

/** A piece of HTML that is safe to send. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | readonly Html[];

/** A template whose values are escaped unless they are HTML themselves. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  const render = (part: Part): string => {
    if (part instanceof Html) return part.text;
    if (Array.isArray(part)) return part.map(render).join("");
    return escape(String(part));
  };
  return new Html(strings.reduce((text, next, i) => text + render(values[i - 1] as Part) + next));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => ENTITIES[letter] as string);
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --dim: #8889; --good: #1a7f37; --bad: #c9302c; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
table { border-collapse: collapse; width: 100% } caption { text-align: left }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line) }
th { font-weight: 600 } code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1rem }
dt { font-size: .85rem; opacity: .75 } dd { margin: 0; font-size: 1.3rem; font-weight: 600 }
.note { border-left: 4px solid var(--bad); padding: .3rem .8rem; margin: 1rem 0 }
.up { color: var(--good) } .down { color: var(--bad) } .scroll { overflow-x: auto }
footer { margin-top: 2rem; opacity: .75 }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149 } }
`;
/** Exactly the hashed text is between the tags. */
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");
/** Nothing is loaded and no script runs; the one style is named by its hash. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/**
 * Sends a whole page.
 *
 * @param refreshSeconds lets the browser load it again after this time
 */
export function sendPage(
  reply: FastifyReply,
  page: { readonly title: string; readonly body: Html; readonly refreshSeconds?: number },
): FastifyReply {
  const refresh = page.refreshSeconds
    ? html`<meta http-equiv="refresh" content="${page.refreshSeconds}" />`
    : html``;
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${refresh}
        <title>${page.title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        ${page.body}
      </body>
    </html> `;
  return reply
    .header("content-security-policy", POLICY)
    .header("referrer-policy", "no-referrer")
    .header("cache-control", "no-store")
    .type("text/html; charset=utf-8")
    .send(document.text);
}
