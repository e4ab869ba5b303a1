/**
 * Every route through inject(), over a chain in memory.
 *
 * Proves: statuses, field names, limits and headers of the public API, and that answers have the
 * documented shape. Does not prove that the chain behind it is right, nor behaviour on real sockets,
 * which the events and drain suites and the end-to-end suite cover.
 */
import assert from "node:assert/strict";
import { FormatRegistry, type TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { InjectOptions } from "fastify";
import { suite, test } from "node:test";
import { apiErrors } from "../../../node/api/errors.ts";
import * as schemas from "../../../node/api/schemas.ts";
import { createApi } from "../../../node/api/server.ts";
import type { NodeSettings } from "../../../node/formats/configuration.ts";
import { type FakeNode, fakeNode } from "./fake-node.ts";

FormatRegistry.Set("date-time", (text) => !Number.isNaN(Date.parse(text)));

const LOCAL = { host: "127.0.0.1:8080" };
const post = (payload: object, headers: Record<string, string> = LOCAL): InjectOptions => ({
  method: "POST",
  url: "/api/repos",
  headers,
  payload,
});

async function setUp(changes: Partial<NodeSettings> = {}, prepare?: (node: FakeNode) => void) {
  const node = await fakeNode(changes);
  prepare?.(node);
  const api = await createApi(node.context);
  const ask = (request: InjectOptions | string) =>
    api.app.inject(typeof request === "string" ? { url: request } : request);
  return { ...node, api, ask };
}

/** The answer, after it was compared with its schema. */
function shaped(
  response: { statusCode: number; json: () => unknown },
  status: number,
  shape: TSchema,
) {
  const value = response.json() as never;
  assert.equal(response.statusCode, status, JSON.stringify(value));
  const problem = Value.Errors(shape, value).First();
  assert.equal(problem, undefined, `${problem?.path}: ${problem?.message}`);
  return value;
}

function failed(
  response: { statusCode: number; json: () => unknown },
  code: keyof typeof apiErrors,
) {
  const { error, message } = shaped(response, apiErrors[code].status, schemas.errorAnswer) as {
    error: string;
    message: string;
  };
  assert.equal(error, code);
  assert.ok(message.startsWith(apiErrors[code].message));
  return message;
}

suite("reading the chain", () => {
  test("status has the fields of both generations of clients", async () => {
    const { ask } = await setUp();
    const status = shaped(await ask("/api/consensus/status"), 200, schemas.status) as Record<
      string,
      unknown
    >;
    for (const [name, value] of Object.entries({
      enabled: true,
      state: "active",
      view: 26,
      round: 26,
      finalized_height: 25,
      height: 25,
      is_leader: false,
      pending_transactions: 2,
      mempool_size: 2,
      peers_count: 3,
      validators_count: 4,
      quorum: 3,
      synced: true,
      chain_id: "test-net",
      phase: "waiting-for-proposal",
      open_writes: "off",
    }))
      assert.equal(status[name], value, name);
    assert.match(String(status["current_leader"]), /^[0-9a-f]{64}$/);
  });

  test("blocks: newest first ten, in ascending order, with limit and before", async () => {
    const { ask } = await setUp();
    const heights = async (query: string) =>
      (
        shaped(
          await ask(`/api/consensus/blocks${query}`),
          200,
          (await import("@sinclair/typebox")).Type.Array(schemas.block),
        ) as { height: number }[]
      ).map(({ height }) => height);
    assert.deepEqual(await heights(""), [16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    assert.deepEqual(await heights("?limit=2"), [24, 25]);
    assert.deepEqual(await heights("?limit=3&before=10"), [7, 8, 9]);
    assert.deepEqual(await heights("?before=2"), [0, 1]);
    assert.deepEqual(await heights("?before=0"), []);
    assert.equal((await heights("?limit=100&before=1000")).length, 26);
  });

  for (const query of ["limit=0", "limit=101", "limit=x", "before=-1", "limit=1.5"])
    test(`blocks?${query} is refused`, async () => {
      const { ask } = await setUp();
      failed(await ask(`/api/consensus/blocks?${query}`), "invalid-request");
    });

  test("one block, with its transactions", async () => {
    const { ask } = await setUp();
    const block = shaped(await ask("/api/consensus/blocks/5"), 200, schemas.block) as {
      transactions: string[];
      hash: string;
      block_id: string;
      signature_count: number;
      time: string;
      producer: string;
    };
    assert.equal(block.transactions.length, 1);
    assert.equal(block.hash, block.block_id);
    assert.equal(block.signature_count, 3);
    assert.equal(block.time, "1970-01-01T00:00:10.000Z");
    const first = shaped(await ask("/api/consensus/blocks/0"), 200, schemas.block) as {
      producer: string;
    };
    assert.equal(first.producer, "");
  });

  test("a block that is not there, or no height", async () => {
    const { ask } = await setUp();
    const message = failed(await ask("/api/consensus/blocks/26"), "block-not-found");
    assert.match(message, /got 26, allowed: 0 to 25/);
    for (const height of ["x", "-1", "1.5", "99999999999999999999"])
      failed(await ask(`/api/consensus/blocks/${height}`), "invalid-request");
  });

  test("a certificate, with its signers", async () => {
    const { ask } = await setUp();
    const path = "/api/consensus/blocks/5/certificate";
    const answer = shaped(await ask(path), 200, schemas.certificate) as Record<string, unknown>;
    assert.deepEqual(answer["signers"], [0, 1, 3]);
    assert.equal(answer["bitmap"], "1101");
    failed(await ask("/api/consensus/blocks/0/certificate"), "block-not-found");
  });

  test("validators", async () => {
    const { ask, peers } = await setUp();
    peers.pop();
    const answer = shaped(await ask("/api/consensus/validators"), 200, schemas.validatorSet) as {
      quorum_weight: number;
      validators: { active: boolean; last_seen: string | null }[];
    };
    assert.equal(answer.quorum_weight, 3);
    assert.deepEqual(
      answer.validators.map(({ active }) => active),
      [true, true, true, false],
    );
    assert.equal(answer.validators[3]?.last_seen, null);
  });

  test("mempool, transactions, evidence and peers", async () => {
    const { ask, evidence } = await setUp();
    evidence.push({
      kind: "conflicting-finalize",
      signer: (await ask("/api/consensus/status")).json().public_key,
      view: 7,
      bytes: Uint8Array.of(1, 2),
    });
    const { items } = shaped(await ask("/api/consensus/evidence"), 200, schemas.evidence) as {
      items: { name: string; evidence: string }[];
    };
    assert.deepEqual([items[0]?.name, items[0]?.evidence], ["validator-0", "0102"]);
    shaped(await ask("/api/consensus/mempool"), 200, schemas.mempool);
    const known = `/api/consensus/transactions/${"7".padStart(64, "0")}`;
    const found = shaped(await ask(known), 200, schemas.transactionStatus) as { height: number };
    assert.equal(found.height, 3);
    const unknown = `/api/consensus/transactions/${"ab".repeat(32)}`;
    failed(await ask(unknown), "transaction-not-found");
    failed(await ask("/api/consensus/transactions/xyz"), "invalid-request");
    const peers = shaped(await ask("/api/peers"), 200, schemas.peers);
    assert.ok(!JSON.stringify(peers).includes("203.0.113.9"), "addresses are not for everybody");
  });
});

suite("repositories", () => {
  test("a bare list, a page, one, and none", async () => {
    const { ask, chain } = await setUp();
    assert.deepEqual((await ask("/api/repos")).json(), []);
    for (let i = 0; i < 5; i += 1) chain.add(i < 4 ? "alice" : "bob", `r${i}`);
    const bare = shaped(await ask("/api/repos"), 200, schemas.repositoryList) as object[];
    assert.equal(bare.length, 5);
    const page = (await ask("/api/repos?page=2&per_page=2&owner=alice")).json();
    assert.deepEqual(
      [page.items.length, page.total_count, page.total_pages, page.has_next, page.has_prev],
      [2, 4, 2, false, true],
    );
    shaped(await ask("/api/repos/bob/r4"), 200, schemas.repository);
    failed(await ask("/api/repos/bob/r0"), "repository-not-found");
    failed(await ask("/api/repos?per_page=101"), "invalid-request");
  });

  test("created with open writes: 201 after finalization, 409 again", async () => {
    const { ask } = await setUp({ openWrites: "loopback" });
    const made = await ask(post({ owner: "alice", name: "one" }));
    shaped(made, 201, schemas.repository);
    assert.equal(made.headers["location"], "/api/repos/alice/one");
    failed(await ask(post({ owner: "alice", name: "one" })), "repository-exists");
  });

  test("Prefer: respond-async answers with the transaction at once", async () => {
    const { ask, chain } = await setUp({ openWrites: "loopback" });
    chain.hold = true;
    const headers = { ...LOCAL, prefer: "respond-async" };
    const answer = await ask(post({ owner: "alice", name: "one" }, headers));
    const { transaction_id } = shaped(answer, 202, schemas.pendingWrite) as {
      transaction_id: string;
    };
    assert.equal(answer.headers["location"], `/api/consensus/transactions/${transaction_id}`);
  });

  test("a write that is not finalized in time answers with the transaction", async () => {
    const { ask, chain } = await setUp({ openWrites: "loopback", writeTimeout: 20 });
    chain.hold = true;
    shaped(await ask(post({ owner: "alice", name: "one" })), 202, schemas.pendingWrite);
  });

  test("what the mempool refuses is told with its code", async () => {
    const { ask, chain } = await setUp({ openWrites: "loopback" });
    for (const code of ["mempool-full", "invalid-name", "duplicate"] as const) {
      chain.refusal = { accepted: false, id: "7", problem: { code, detail: "because" } };
      const answer = await ask(post({ owner: "alice", name: "one" }));
      assert.match(failed(answer, code), /because$/);
      assert.equal(answer.json().transaction_id, "7");
    }
  });

  test("without open writes nobody writes without a signature", async () => {
    const { ask } = await setUp();
    failed(await ask(post({ owner: "alice", name: "one" })), "writes-need-transaction");
  });

  test("a body of another form", async () => {
    const { ask } = await setUp({ openWrites: "loopback" });
    failed(await ask(post({ owner: "alice" })), "invalid-request");
    failed(await ask(post({ owner: "alice", name: 7 })), "invalid-request");
    const raw = (payload: string, type: string): InjectOptions => ({
      method: "POST",
      url: "/api/repos",
      headers: { ...LOCAL, "content-type": type },
      payload,
    });
    failed(await ask(raw("{", "application/json")), "invalid-request");
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
      failed(await ask(raw("owner=alice", type)), "unsupported-media-type");
    const huge = JSON.stringify({ owner: "alice", name: "x".repeat(2_000_000) });
    failed(await ask(raw(huge, "application/json")), "body-too-large");
  });

  const foreign: [string, Record<string, string>][] = [
    ["another origin", { ...LOCAL, origin: "https://evil.example" }],
    ["another port of this machine", { ...LOCAL, origin: "http://127.0.0.1:3000" }],
    ["an opaque origin", { ...LOCAL, origin: "null" }],
    ["a rebound host name", { host: "evil.example:8080" }],
    ["a host that begins like loopback", { host: "127.0.0.1.evil.example" }],
    ["a cross-site fetch", { ...LOCAL, "sec-fetch-site": "cross-site" }],
    ["a same-site fetch of another port", { ...LOCAL, "sec-fetch-site": "same-site" }],
  ];
  for (const [what, headers] of foreign)
    test(`an open write from ${what} is refused`, async () => {
      const { ask, chain } = await setUp({ openWrites: "loopback" });
      failed(await ask(post({ owner: "alice", name: "one" }, headers)), "foreign-origin");
      assert.equal(chain.items.length, 0);
    });

  test("an open write from another machine is refused", async () => {
    const { ask } = await setUp({ openWrites: "loopback" });
    const request = { ...post({ owner: "a", name: "b" }), remoteAddress: "192.0.2.1" };
    failed(await ask(request), "foreign-origin");
  });

  test("an open write from the node's own pages or by another loopback name is taken", async () => {
    const { ask } = await setUp({ openWrites: "loopback" });
    const own: Record<string, string>[] = [
      { ...LOCAL, origin: "http://127.0.0.1:8080", "sec-fetch-site": "same-origin" },
      { host: "localhost:8080" },
      { host: "[::1]:8080" },
    ];
    for (const [i, headers] of own.entries())
      assert.equal((await ask(post({ owner: "a", name: `r${i}` }, headers))).statusCode, 201);
  });
});

suite("submitting transactions", () => {
  const url = "/api/consensus/transactions";
  const json = (payload: object): InjectOptions => ({ method: "POST", url, payload });

  test("in hexadecimal and in bytes", async () => {
    const { ask, chain } = await setUp();
    const bytes = Buffer.from("alice/hex");
    shaped(await ask(json({ transaction: bytes.toString("hex") })), 202, schemas.pendingWrite);
    const headers = { "content-type": "application/octet-stream" };
    const payload = Buffer.from("alice/bytes");
    shaped(await ask({ method: "POST", url, headers, payload }), 202, schemas.pendingWrite);
    assert.deepEqual(
      chain.items.map(({ name }) => name),
      ["hex", "bytes"],
    );
  });

  test("what is no hexadecimal text is refused", async () => {
    const { ask } = await setUp();
    for (const transaction of ["", "abc", "ABCD", "zz", 7, undefined])
      failed(await ask(json({ transaction })), "invalid-request");
  });

  test("refusals have the statuses of the error table", async () => {
    const { ask, chain } = await setUp();
    const statuses = { malformed: 400, "bad-signature": 400, duplicate: 409, "mempool-full": 429 };
    for (const [code, status] of Object.entries(statuses)) {
      const problem = { code: code as "malformed", detail: "x" };
      chain.refusal = { accepted: false, problem };
      const answer = await ask(json({ transaction: "00" }));
      assert.equal(answer.statusCode, status);
      failed(answer, problem.code);
    }
  });
});

suite("submitting a batch of transactions", () => {
  const batch = (...transactions: unknown[]): InjectOptions => ({
    method: "POST",
    url: "/api/consensus/transactions/batch",
    payload: { transactions },
  });
  const hex = (name: string) => Buffer.from(`alice/${name}`).toString("hex");

  test("each is taken by itself", async () => {
    const { ask, chain } = await setUp();
    const answer = await ask(batch(hex("one"), hex("two")));
    shaped(answer, 202, schemas.batchResult);
    assert.equal(answer.json().accepted, 2);
    assert.deepEqual(
      chain.items.map(({ name }) => name),
      ["one", "two"],
    );
  });

  test("a refusal says why, and 429 says that there is no room at all", async () => {
    const { ask, chain } = await setUp();
    chain.refusal = { accepted: false, problem: { code: "duplicate", detail: "x" } };
    const refused = await ask(batch(hex("one")));
    shaped(refused, 202, schemas.batchResult);
    assert.deepEqual(refused.json().results, [
      { accepted: false, error: "duplicate", message: "x" },
    ]);
    chain.refusal = { accepted: false, problem: { code: "mempool-full", detail: "x" } };
    failed(await ask(batch(hex("one"))), "mempool-full");
  });

  test("none, too many and no hexadecimal text are refused", async () => {
    const { ask } = await setUp();
    for (const transactions of [[], Array<string>(51).fill("00"), ["xyz"]])
      failed(await ask(batch(...transactions)), "invalid-request");
  });
});

suite("every answer", () => {
  test("carries the request id that came in, or a new one", async () => {
    const { ask } = await setUp();
    const given = await ask({ url: "/api/nope", headers: { "x-request-id": "abc-1" } });
    assert.equal(given.headers["x-request-id"], "abc-1");
    assert.equal(given.json().requestId, "abc-1");
    const evil = await ask({ url: "/api/nope", headers: { "x-request-id": 'a"\n{' } });
    assert.match(String(evil.headers["x-request-id"]), /^[0-9a-f]{12}-\d+$/);
    assert.notEqual((await ask("/")).headers["x-request-id"], evil.headers["x-request-id"]);
  });

  test("of an unknown path or method is a not-found of the one form", async () => {
    const { ask } = await setUp();
    failed(await ask("/api/nope?secret=1"), "not-found");
    assert.ok(!(await ask("/api/nope?secret=1")).payload.includes("secret"));
    failed(await ask({ method: "DELETE", url: "/api/repos" }), "not-found");
  });

  test("after a bug says nothing of the inside, which is in the log", async () => {
    const { ask, log } = await setUp({}, ({ chain }) => {
      chain.tip = () => {
        throw new Error("inner detail");
      };
    });
    const answer = await ask("/api/consensus/status");
    failed(answer, "internal");
    assert.ok(!answer.payload.includes("inner detail"));
    assert.ok(log.join("").includes("inner detail"));
    assert.ok(log.join("").includes(answer.json().requestId));
  });

  test("while the node stops is 503, but for health", async () => {
    const { ask, context } = await setUp();
    context.health.markDraining();
    failed(await ask("/api/repos"), "shutting-down");
    assert.equal((await ask("/health/live")).statusCode, 200);
    assert.equal((await ask("/health/ready")).statusCode, 503);
  });

  test("is counted", async () => {
    const { ask, context } = await setUp();
    await ask("/api/consensus/blocks/3");
    await ask("/api/nope");
    const { text } = await context.metrics.render();
    assert.match(
      text,
      /guts_http_request_seconds_count\{method="GET",route="\/api\/consensus\/blocks\/:height",status="200"\} 1/,
    );
    assert.match(text, /route="unknown",status="404"\} 1/);
  });
});

suite("limits", () => {
  test("an address that asks too often waits; loopback does not", async () => {
    const { ask } = await setUp({ rateLimit: 1 });
    const from = (remoteAddress: string) => ask({ url: "/api/repos", remoteAddress });
    for (let i = 0; i < 10; i += 1) assert.equal((await from("192.0.2.7")).statusCode, 200);
    const refused = await from("192.0.2.7");
    failed(refused, "rate-limited");
    assert.ok(Number(refused.headers["retry-after"]) > 0);
    assert.equal((await from("192.0.2.8")).statusCode, 200);
    for (let i = 0; i < 30; i += 1) assert.equal((await from("127.0.0.1")).statusCode, 200);
    for (let i = 0; i < 10; i += 1) await from(`2001:db8::${i + 1}`);
    failed(await from("2001:db8::ffff"), "rate-limited");
  });

  test("0 turns the rate limit off", async () => {
    const { ask } = await setUp({ rateLimit: 0 });
    for (let i = 0; i < 30; i += 1)
      assert.equal((await ask({ url: "/api/repos", remoteAddress: "192.0.2.7" })).statusCode, 200);
  });
});

suite("health", () => {
  test("is up when all checks are, and says why not otherwise", async () => {
    const { ask, peers } = await setUp();
    const all = shaped(await ask("/health"), 200, schemas.healthAnswer) as { version: string };
    assert.equal(all.version, "0.1.0");
    shaped(await ask("/health/ready"), 200, schemas.healthAnswer);
    shaped(await ask("/health/startup"), 200, schemas.healthAnswer);
    peers.length = 0;
    const down = shaped(await ask("/health/ready"), 503, schemas.healthAnswer) as {
      reasons: string[];
    };
    assert.deepEqual(down.reasons, ["1 of 4 validators reached, needed: 3"]);
    assert.equal((await ask("/health")).statusCode, 503);
    assert.equal((await ask("/health/live")).statusCode, 200);
  });
});
