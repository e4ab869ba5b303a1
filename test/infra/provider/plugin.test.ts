/**
 * Proves: the plugin starts through its executable, serves the resource protocol over gRPC - secrets,
 * unknowns, previews, detailed differences, problems per property, refusals by name - speaks to the user
 * through the engine, and ends with the engine however that ends.
 * Does not prove: that an engine takes the answers as meant; pulumi.test.ts and the end-to-end tests do.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test, type TestContext } from "node:test";
import * as grpc from "@grpc/grpc-js";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import rpc from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { identify } from "../../../infra/provider/local/processes.ts";
import { UNKNOWN } from "../../../infra/provider/wire.ts";
import { makeGenesis, temporaryDirectory } from "./support/harness.ts";
import { call, checkout, type Plugin, startPlugin, toStruct } from "./support/plugin-client.ts";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const secret = (value: unknown) => ({ [SIGNATURE]: SECRET, value });

const urnOf = (type: string, name = "thing") =>
  `urn:pulumi:test::guts::guts:local:Site$${type}::${name}`;
const key = { network: "guts/test", keyId: "v1", vault: "file:test/keys" };

async function configured(t: TestContext): Promise<Plugin & { home: string }> {
  const home = await temporaryDirectory(t);
  const plugin = await startPlugin(t);
  const request = new rpc.ConfigureRequest();
  request.setArgs(toStruct({ home }));
  const answer = await call<rpc.ConfigureResponse>(plugin.client, "configure", request);
  assert.ok(answer.getAcceptsecrets() && answer.getSupportspreview());
  return { ...plugin, home };
}

function check(client: Plugin["client"], type: string, news: object, olds: object = {}) {
  const request = new rpc.CheckRequest();
  request.setUrn(urnOf(type));
  request.setNews(toStruct(news));
  request.setOlds(toStruct(olds));
  return call<rpc.CheckResponse>(client, "check", request);
}

async function create(client: Plugin["client"], type: string, inputs: object, preview = false) {
  const request = new rpc.CreateRequest();
  request.setUrn(urnOf(type));
  request.setProperties(toStruct(inputs));
  request.setPreview(preview);
  const answer = await call<rpc.CreateResponse>(client, "create", request);
  return {
    id: answer.getId(),
    outputs: answer.getProperties()?.toJavaScript() as Record<string, unknown>,
  };
}

test("starts fast and says what it is before it is configured", async (t) => {
  const { client, startMs } = await startPlugin(t);
  t.diagnostic(`start: ${startMs.toFixed(0)} ms`);
  const handshake = await call<rpc.ProviderHandshakeResponse>(
    client,
    "handshake",
    new rpc.ProviderHandshakeRequest(),
  );
  assert.ok(handshake.getAcceptSecrets());
  const info = await call<PluginInfo>(client, "getPluginInfo", new empty.Empty());
  assert.match(info.getVersion(), /^\d+\.\d+\.\d+$/);
});

test("the schema describes every resource with a description for every property", async (t) => {
  const { client } = await startPlugin(t);
  const answer = await call<rpc.GetSchemaResponse>(client, "getSchema", new rpc.GetSchemaRequest());
  const schema = JSON.parse(answer.getSchema()) as {
    resources: Record<string, { inputProperties: object; properties: Record<string, object> }>;
  };
  const names = ["AccountKey", "Bundle", "Genesis", "LocalNode", "ValidatorKey", "Verdict"];
  assert.deepEqual(
    Object.keys(schema.resources).sort(),
    names.map((name) => `guts:index:${name}`),
  );
  assert.ok("publicKey" in (schema.resources["guts:index:ValidatorKey"]?.properties ?? {}));
});

test("provider settings: an absolute home, and nothing that is not known", async (t) => {
  const { client } = await startPlugin(t);
  const request = new rpc.CheckRequest();
  request.setUrn("urn:pulumi:test::guts::pulumi:providers:guts::guts");
  request.setNews(toStruct({ home: "relative", colour: "red", version: "1.0.0" }));
  const answer = await call<rpc.CheckResponse>(client, "checkConfig", request);
  assert.deepEqual(
    answer.getFailuresList().map((failure) => [failure.getProperty(), failure.getReason()]),
    [
      ["colour", "unknown setting, allowed: home"],
      ["home", 'got "relative", allowed: an absolute path'],
    ],
  );
});

test("check fills in defaults, keeps secrets and unknowns, and names each wrong property", async (t) => {
  const { client } = await configured(t);
  const good = await check(client, "guts:index:ValidatorKey", {
    ...key,
    network: secret("guts/test"),
    keyId: UNKNOWN,
  });
  assert.deepEqual(good.getFailuresList(), []);
  const kept = good.getInputs()?.toJavaScript() as Record<string, unknown>;
  assert.deepEqual(kept, { ...key, network: secret("guts/test"), keyId: UNKNOWN });
  const bad = await check(client, "guts:index:ValidatorKey", {
    network: "guts/test",
    keyId: "V!",
    vault: 7,
    size: 1,
  });
  assert.deepEqual(
    bad
      .getFailuresList()
      .map((failure) => failure.getProperty())
      .sort(),
    ["keyId", "size", "vault"],
  );
});

test("a key over the wire: preview makes nothing, create makes it, secrecy is kept", async (t) => {
  const { client, home } = await configured(t);
  const planned = await create(client, "guts:index:ValidatorKey", key, true);
  assert.equal(planned.id, "");
  assert.equal(planned.outputs["publicKey"], UNKNOWN);
  assert.equal(planned.outputs["reference"], "file:test/keys/v1.key");
  await assert.rejects(readFile(join(home, "test/keys/v1.key")), { code: "ENOENT" });
  const made = await create(client, "guts:index:ValidatorKey", {
    ...key,
    network: secret("guts/test"),
  });
  assert.equal(made.id, "file:test/keys/v1.key");
  assert.deepEqual(made.outputs["network"], secret("guts/test"));
  const privateKey = (await readFile(join(home, "test/keys/v1.key"), "utf8")).trim();
  assert.ok(!JSON.stringify(made).includes(privateKey));
});

test("unknown values outside of a preview are refused", async (t) => {
  const { client } = await configured(t);
  await assert.rejects(create(client, "guts:index:ValidatorKey", { ...key, keyId: UNKNOWN }), {
    code: grpc.status.FAILED_PRECONDITION,
    details: "thing: got no value for keyId outside a preview",
  });
});

test("differences have paths and kinds, and respect what is to be ignored", async (t) => {
  const { client } = await configured(t);
  const { format: _format, ...genesis } = makeGenesis();
  const inputs = { ...genesis, file: "test/genesis.json" };
  const { outputs } = await create(client, "guts:index:Genesis", inputs);
  const diff = async (changes: object, ignore: string[] = []) => {
    const request = new rpc.DiffRequest();
    request.setUrn(urnOf("guts:index:Genesis"));
    request.setOlds(toStruct(outputs));
    request.setOldInputs(toStruct(inputs));
    request.setNews(toStruct({ ...inputs, ...changes }));
    request.setIgnorechangesList(ignore);
    return call<rpc.DiffResponse>(client, "diff", request);
  };
  const none = await diff({});
  assert.equal(none.getChanges(), rpc.DiffResponse.DiffChanges.DIFF_NONE);
  const consensus = { ...genesis.consensus, blockIntervalMs: 200 };
  const some = await diff({ reset: true, consensus });
  assert.equal(some.getChanges(), rpc.DiffResponse.DiffChanges.DIFF_SOME);
  assert.deepEqual(some.getReplacesList(), ["consensus"]);
  const detail = some.getDetaileddiffMap().get("consensus.blockIntervalMs");
  assert.equal(detail?.getKind(), rpc.PropertyDiff.Kind.UPDATE_REPLACE);
  const ignored = await diff({ reset: true, consensus }, ["consensus"]);
  assert.equal(ignored.getChanges(), rpc.DiffResponse.DiffChanges.DIFF_NONE);
});

test("read of a thing that was never recorded is refused, other refusals have names too", async (t) => {
  const { client } = await configured(t);
  const read = new rpc.ReadRequest();
  read.setUrn(urnOf("guts:index:Bundle"));
  read.setId("linux-x64");
  await assert.rejects(call(client, "read", read), { details: /cannot be imported/ });
  await assert.rejects(check(client, "guts:index:Toaster", {}), {
    details: /got the resource type guts:index:Toaster, allowed: guts:index:ValidatorKey/,
  });
  const invoke = new rpc.InvokeRequest();
  invoke.setTok("guts:index:getNothing");
  await assert.rejects(call(client, "invoke", invoke), {
    code: grpc.status.UNIMPLEMENTED,
    details: "the provider guts has no function guts:index:getNothing",
  });
});

test("messages reach the engine with the resource they are about", async (t) => {
  const { client, logged } = await configured(t);
  await create(client, "guts:index:ValidatorKey", key);
  await create(client, "guts:index:ValidatorKey", key);
  assert.deepEqual(logged, [
    {
      message: "adopted the key that file:test/keys holds already",
      urn: urnOf("guts:index:ValidatorKey"),
      ephemeral: true,
    },
  ]);
});

test("without home, everything is under GUTS_HOME", async (t) => {
  const home = await temporaryDirectory(t);
  const { client } = await startPlugin(t, { GUTS_HOME: home });
  await call(client, "configure", new rpc.ConfigureRequest());
  await create(client, "guts:index:ValidatorKey", key);
  assert.ok(await readFile(join(home, "test/keys/v1.key")));
});

test("SIGINT, as an engine ends its plugins, ends it at once", async (t) => {
  const { child, client } = await configured(t);
  await call(client, "cancel", new empty.Empty());
  child.kill("SIGINT");
  const [code] = (await once(child, "exit")) as [number | null];
  assert.equal(code, 0);
});

const scratch = mkdtemp(join(tmpdir(), "guts-engine-"));
after(async () => rm(await scratch, { recursive: true, force: true }));

/** An engine in a process of its own, that can be killed: it listens and starts the plugin. */
const engine = `
const { createServer } = require("node:net");
const { spawn } = require("node:child_process");
const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1", () => {
  const address = "127.0.0.1:" + server.address().port;
  const plugin = spawn(process.argv[1], [address], { stdio: ["ignore", "pipe", "ignore"], detached: true });
  plugin.stdout.once("data", () => console.log(plugin.pid));
});`;

test("when the engine is killed without a word the plugin ends too", async () => {
  const plugin = join(checkout, "infra", "provider", "pulumi-resource-guts");
  const parent = spawn(process.execPath, ["-e", engine, plugin], {
    cwd: await scratch,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface(parent.stdout), "line")) as [string];
  const pid = Number(line);
  assert.ok(await identify(pid));
  parent.kill("SIGKILL");
  await once(parent, "exit");
  const deadline = performance.now() + 10_000;
  while ((await identify(pid)) !== undefined) {
    assert.ok(performance.now() < deadline, `the plugin ${pid} outlived its engine by 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
