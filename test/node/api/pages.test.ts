/**
 * Proves: the error table is complete and its page is current, the OpenAPI document is consistent and
 * names every route, and pages load nothing, run nothing and escape what users wrote. Does not prove
 * how pages look.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { apiErrors, renderErrorPage } from "../../../node/api/errors.ts";
import { html } from "../../../node/api/html.ts";
import { createApi } from "../../../node/api/server.ts";
import { fakeNode } from "./fake-node.ts";

suite("errors", () => {
  test("the reference page says what the error table says", () => {
    const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
    const current = page === renderErrorPage(apiErrors);
    assert.ok(current, "run: guts-node reference errors > docs/errors.md");
  });

  test("every error has an error status, a cause and something to do about it", () => {
    for (const [code, { status, message, cause, fix }] of Object.entries(apiErrors)) {
      assert.match(code, /^[a-z]+(-[a-z]+)*$/);
      assert.ok(status >= 400 && status < 600, code);
      assert.ok(message.length > 10 && cause.length > 10 && fix.length > 10, code);
    }
  });
});

suite("OpenAPI", () => {
  interface Operation {
    readonly summary?: string;
    readonly tags?: readonly string[];
    readonly parameters?: readonly { readonly name: string; readonly in: string }[];
    readonly responses?: Record<string, { readonly description?: string }>;
  }
  const load = async () => {
    const { app } = await createApi((await fakeNode({ openWrites: "loopback" })).context);
    const response = await app.inject({ url: "/openapi.json" });
    assert.match(String(response.headers["content-type"]), /^application\/json/);
    const document = response.json() as {
      readonly openapi: string;
      readonly info: { readonly title: string; readonly version: string };
      readonly tags: readonly { readonly name: string }[];
      readonly paths: Record<string, Record<string, Operation>>;
    };
    return { app, document };
  };

  test("names every path of the API", async () => {
    const { document } = await load();
    assert.match(document.openapi, /^3\.1\./);
    assert.deepEqual(
      Object.entries(document.paths)
        .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
        .sort(),
      [
        "get /api/consensus/blocks",
        "get /api/consensus/blocks/{height}",
        "get /api/consensus/blocks/{height}/certificate",
        "get /api/consensus/evidence",
        "get /api/consensus/mempool",
        "get /api/consensus/status",
        "get /api/consensus/transactions/{id}",
        "get /api/consensus/validators",
        "get /api/events",
        "get /api/peers",
        "get /api/repos",
        "get /api/repos/{owner}/{name}",
        "get /health",
        "get /health/live",
        "get /health/ready",
        "get /health/startup",
        "post /api/consensus/transactions",
        "post /api/consensus/transactions/batch",
        "post /api/repos",
      ],
    );
  });

  test("every operation has a summary, a known tag, its path parameters and described answers", async () => {
    const { document } = await load();
    const tags = new Set(document.tags.map(({ name }) => name));
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, operation] of Object.entries(methods)) {
        const where = `${method} ${path}`;
        assert.ok(operation.summary, where);
        assert.ok(
          operation.tags?.every((tag) => tags.has(tag)),
          where,
        );
        const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        const parameters = operation.parameters ?? [];
        const inPath = parameters.filter((one) => one.in === "path").map(({ name }) => name);
        assert.deepEqual(inPath, named, where);
        assert.ok(Object.keys(operation.responses ?? {}).length > 0, where);
        for (const [status, { description }] of Object.entries(operation.responses ?? {})) {
          assert.match(status, /^([1-5]\d\d|[45]XX)$/, where);
          assert.ok(description !== undefined, where);
        }
      }
  });

  test("is shown as a page with every path and error", async () => {
    const { app, document } = await load();
    const { payload } = await app.inject({ url: "/docs" });
    for (const path of Object.keys(document.paths)) assert.ok(payload.includes(path), path);
    for (const code of Object.keys(apiErrors)) assert.ok(payload.includes(code), code);
  });
});

suite("pages", () => {
  for (const url of ["/", "/docs"])
    test(`${url} loads nothing, runs nothing, and its style is the one its policy names`, async () => {
      const { app } = await createApi((await fakeNode()).context);
      const { headers, payload } = await app.inject({ url });
      const policy = String(headers["content-security-policy"]);
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.ok(!/unsafe|script-src/.test(policy));
      const style = /<style>([\s\S]*?)<\/style>/.exec(payload)?.[1] ?? "";
      assert.ok(policy.includes(createHash("sha256").update(style).digest("base64")));
      assert.ok(!/<script|<img|<link|style="|onclick|https?:\/\//.test(payload));
      assert.match(String(headers["content-type"]), /^text\/html/);
      assert.equal(headers["x-content-type-options"], "nosniff");
    });

  test("the dashboard shows chain, validators, blocks, repositories and peers, and comes again", async () => {
    const node = await fakeNode({ openWrites: "loopback" });
    node.chain.add("alice", "one");
    const { app } = await createApi(node.context);
    const { payload } = await app.inject({ url: "/" });
    for (const text of ["test-net", "validator-3", "alice/one", "Latest blocks", "Open writes"])
      assert.ok(payload.includes(text), text);
    assert.ok(payload.includes("0000000000000019"), "the id of the newest block");
    assert.match(payload, /<meta http-equiv="refresh" content="2"/);
    assert.match(payload, /class="up">ready/);
    node.peers.length = 0;
    const alone = await app.inject({ url: "/" });
    assert.match(alone.payload, /not ready/);
    assert.match(alone.payload, /1 of 4 validators reached/);
  });

  test("what users wrote is escaped", async () => {
    const node = await fakeNode();
    node.chain.add("alice", "x");
    const evil = `<img src=x onerror="alert('1')">&`;
    node.chain.items[0] = { ...node.chain.items[0]!, description: evil };
    const { app } = await createApi(node.context);
    const { payload } = await app.inject({ url: "/" });
    assert.ok(!payload.includes("<img"));
    assert.ok(payload.includes("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;"));
    assert.equal(html`<b>${"<i>"}${html`<u>${1}</u>`}</b>`.text, "<b>&lt;i&gt;<u>1</u></b>");
  });
});
