import type { FastifyInstance } from "fastify";
import { apiErrors } from "../errors.ts";
import { type Html, html, sendPage } from "../html.ts";

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: unknown;
  }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema?: unknown }> };
  readonly responses?: Record<string, { readonly content?: Record<string, unknown> }>;
}

/** GET /openapi.json and, for people, the same as a page at GET /docs. */
export async function documentationRoutes(app: FastifyInstance): Promise<void> {
  app.get("/openapi.json", { schema: { hide: true } }, (_, reply) =>
    reply.type("application/json").send(JSON.stringify(app.swagger())),
  );
  app.get("/docs", { schema: { hide: true } }, (_, reply) => {
    const { paths = {}, info } = app.swagger() as unknown as {
      readonly paths?: Record<string, Record<string, Operation>>;
      readonly info: { readonly version: string };
    };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => section(path, method, operation)),
    );
    return sendPage(reply, {
      title: "Guts node: HTTP API",
      body: html`<h1>HTTP API of guts-node ${info.version}</h1>
        <p><a href="/">Dashboard</a> · machine-readable: <a href="/openapi.json">OpenAPI 3.1</a></p>
        ${operations}
        <h2>Errors</h2>
        <p>An error is <code>{"error": code, "message": text, "requestId": id}</code>.</p>
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th>status</th>
                <th>code</th>
                <th>what to do</th>
              </tr>
            </thead>
            <tbody>
              ${Object.entries(apiErrors).map(
                ([code, { status, fix }]) =>
                  html`<tr>
                    <td>${status}</td>
                    <td><code>${code}</code></td>
                    <td>${fix}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>`,
    });
  });
}

function section(path: string, method: string, operation: Operation): Html {
  const {
    summary = "",
    description = "",
    parameters = [],
    requestBody,
    responses = {},
  } = operation;
  const rows = parameters.map(
    ({ name, in: where, required, description: text, schema }) =>
      html`<tr>
        <td><code>${name}</code></td>
        <td>${where}${required ? ", required" : ""}</td>
        <td>${text ?? ""}</td>
        <td><code>${JSON.stringify(schema)}</code></td>
      </tr>`,
  );
  const table = html`<div class="scroll">
    <table>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
  const body = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) =>
      html`<details>
        <summary>body: ${type}</summary>
        <code>${JSON.stringify(schema)}</code>
      </details>`,
  );
  const answers = Object.entries(responses)
    .filter(([status]) => /^\d+$/.test(status))
    .map(
      ([status, answer]) =>
        html`<details>
          <summary>${status}</summary>
          <code>${JSON.stringify(answer.content ?? {})}</code>
        </details>`,
    );
  return html`<h2><code>${method.toUpperCase()} ${path}</code></h2>
    <p>${summary}. ${description}</p>
    ${rows.length > 0 ? table : html``}${body}${answers}`;
}
