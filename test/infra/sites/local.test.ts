/**
 * Proves: the program makes exactly the resources of the plan - types, names, inputs - with a genesis and
 * configurations equal to what the planners say; a description with mistakes is one error with a line each.
 * Does not prove: parents, providers and options, which mocks do not show; pulumi.test.ts runs them for real.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { sha256, toHex } from "../../../node/formats/bytes.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import { genesisOf } from "../../../infra/plan/genesis.ts";
import { planNetwork } from "../../../infra/plan/network.ts";
import { renderNodeConfiguration } from "../../../infra/plan/startup.ts";
import { parseNetwork } from "../../../infra/topology/parse.ts";

interface Made {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const made: Made[] = [];
const publicKeyOf = (keyId: string) => toHex(new SigningKey(sha256(keyId)).publicKey);

await pulumi.runtime.setMocks(
  {
    call: () => ({}),
    newResource: ({ type, name, inputs }) => {
      made.push({ type, name, inputs });
      const outputs: Record<string, unknown> = { ...inputs };
      if (type.endsWith("Key")) outputs["publicKey"] = publicKeyOf(inputs.keyId);
      if (type.endsWith(":Bundle")) outputs["sha256"] = "b".repeat(64);
      if (type.endsWith(":Genesis"))
        Object.assign(outputs, { hash: "c".repeat(64), content: "{}" });
      if (type.endsWith(":LocalNode"))
        Object.assign(outputs, { apiUrl: `http://${inputs.apiAddr}`, incarnation: "1-2" });
      return { id: name, state: outputs };
    },
  },
  "guts",
  "local",
);

const description = {
  chainId: "guts-local",
  purpose: "devnet",
  sites: [{ name: "home", kind: "local", validators: 4, fullNodes: 1 }],
};
pulumi.runtime.setAllConfig({ "guts:network": JSON.stringify(description) });
const steps = await import("../../../infra/sites/steps.ts");
const program = await import("../../../infra/index.ts");

/** Waits for every registration the program has begun. */
async function settled(): Promise<void> {
  await new Promise((resolve) => pulumi.output(program.nodes).apply(resolve));
  await new Promise((resolve) => pulumi.output(program.height).apply(resolve));
}

const parsed = parseNetwork(description, { today: "2026-01-01" });
assert.ok("network" in parsed);
const plan = planNetwork(parsed.network);
const keys = Object.fromEntries(plan.keys.map(({ id }) => [id, publicKeyOf(id)]));

test("exactly the resources of the plan, under stable names", async () => {
  await settled();
  const list = made.map(({ type, name }) => `${type.replace("guts:index:", "")} ${name}`).sort();
  assert.deepEqual(list, [
    "AccountKey home-devnet-account-key",
    "Bundle home-bundle",
    "Genesis genesis",
    "LocalNode home-full-1",
    "LocalNode home-validator-1",
    "LocalNode home-validator-2",
    "LocalNode home-validator-3",
    "LocalNode home-validator-4",
    "ValidatorKey home-validator-1-key",
    "ValidatorKey home-validator-2-key",
    "ValidatorKey home-validator-3-key",
    "ValidatorKey home-validator-4-key",
    "Verdict verdict",
    "guts:local:Site home",
    "pulumi:providers:guts guts",
  ]);
});

const inputsOf = (name: string) => made.find((resource) => resource.name === name)?.inputs ?? {};

test("keys belong to the stack and lie in its vault", async () => {
  await settled();
  assert.deepEqual(inputsOf("home-validator-1-key"), {
    network: "guts/local",
    keyId: "home-validator-1",
    vault: "file:local/keys",
    forget: false,
  });
});

test("the genesis is the one of the plan", async () => {
  await settled();
  const { file, reset, forget, ...fields } = inputsOf("genesis");
  assert.equal(file, "local/genesis.json");
  assert.deepEqual([reset, forget], [false, false]);
  assert.deepEqual({ format: 1, ...fields }, genesisOf(plan, keys));
});

test("a node gets the release, its configuration and the genesis", async () => {
  await settled();
  const node = plan.nodes.find(({ id }) => id === "home-validator-2");
  assert.ok(node);
  assert.deepEqual(inputsOf("home-validator-2"), {
    directory: "local/home-validator-2",
    release: "b".repeat(64),
    genesisHash: "c".repeat(64),
    files: [
      { path: "node.yaml", mode: "0644", content: renderNodeConfiguration(plan, node, keys) },
      { path: "genesis.json", mode: "0644", content: "{}" },
    ],
    apiAddr: "127.0.0.1:8081",
    internalAddr: "127.0.0.1:9201",
    p2pAddr: "127.0.0.1:9001",
    purge: false,
  });
});

test("the verdict is about every node in its present incarnation", async () => {
  await settled();
  const { nodes, genesisHash, limitSeconds } = inputsOf("verdict");
  assert.equal(genesisHash, "c".repeat(64));
  assert.equal(limitSeconds, plan.verdict.waitSeconds);
  const wanted = plan.nodes.map(({ id, role, api }) => ({
    name: id,
    role,
    apiUrl: `http://${api.host}:${api.port}`,
    incarnation: "1-2",
  }));
  assert.deepEqual(nodes, wanted);
});

test("mistakes in the description are one error with a line per problem", async () => {
  pulumi.runtime.setAllConfig({
    "guts:network": JSON.stringify({ ...description, chainId: "No!", purpose: "party" }),
  });
  await assert.rejects(steps.describeNetwork(new pulumi.Config(), "local"), (error: Error) => {
    assert.ok(error instanceof pulumi.RunError);
    assert.match(error.message, /^chainId: got "No!"/m);
    assert.match(error.message, /^purpose: got "party"/m);
    return true;
  });
  pulumi.runtime.setAllConfig({});
  await assert.rejects(steps.describeNetwork(new pulumi.Config(), "local"), {
    message: /stacks\/Pulumi\.local\.yaml has no guts:network/,
  });
  await assert.rejects(steps.describeNetwork(new pulumi.Config(), "bundles"), {
    message: /got the stack name "bundles", allowed: any but bundles, releases, state/,
  });
});

test("what happens to data is one of two words", () => {
  pulumi.runtime.setAllConfig({ "guts:data": "delete" });
  assert.equal(steps.dataPolicyOf(new pulumi.Config()), "delete");
  pulumi.runtime.setAllConfig({ "guts:data": "burn" });
  assert.throws(() => steps.dataPolicyOf(new pulumi.Config()), {
    message: 'guts:data: got "burn", allowed: keep, delete',
  });
});
