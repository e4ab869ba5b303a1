/**
 * Proves: the genesis is canonical, hashed and immutable - each changed field is named, in preview too -
 * unless a reset is asked for; a lost file is written again; a stopped network keeps its genesis.
 * Does not prove: that nodes accept it, which the end-to-end tests show.
 */
import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { encodeGenesis, type Genesis, genesisHash } from "../../../node/formats/genesis.ts";
import type { GenesisInputs } from "../../../infra/provider/contracts/genesis.ts";
import { genesisHandler as handler } from "../../../infra/provider/handlers/genesis.ts";
import { UNKNOWN } from "../../../infra/provider/wire.ts";
import { contextFor, makeGenesis, temporaryDirectory } from "./support/harness.ts";

function inputsOf({ format: _format, ...fields }: Genesis): GenesisInputs {
  return { ...fields, file: "test/genesis.json" };
}

async function made(t: TestContext) {
  const home = await temporaryDirectory(t);
  const { context } = contextFor(home);
  const genesis = makeGenesis();
  const inputs = inputsOf(genesis);
  const { id, state } = await handler.create(inputs, context);
  return {
    home,
    context,
    genesis,
    inputs,
    old: { id, inputs, state },
    file: join(home, "test/genesis.json"),
  };
}

test("canonical bytes on disk, their hash out, and the same in a preview", async (t) => {
  const { genesis, inputs, old, file, context } = await made(t);
  assert.equal(await readFile(file, "utf8"), encodeGenesis(genesis));
  assert.equal(old.state.hash, genesisHash(genesis));
  assert.deepEqual(await handler.planCreate(inputs, context), {
    hash: old.state.hash,
    content: encodeGenesis(genesis),
    intact: true,
  });
});

test("nothing is told of a genesis whose keys are not known yet", async (t) => {
  const { inputs, context } = await made(t);
  const validators = inputs.validators.map((validator) => ({ ...validator, publicKey: UNKNOWN }));
  assert.deepEqual(await handler.planCreate({ ...inputs, validators }, context), {});
  assert.deepEqual(handler.check?.({ ...inputs, validators }, undefined), []);
});

test("every changed field is refused by name, with what to do", async (t) => {
  const { inputs, old } = await made(t);
  const [first, ...others] = inputs.validators;
  assert.ok(first);
  const variants: [GenesisInputs, string][] = [
    [{ ...inputs, chainId: "other" }, "chainId"],
    [
      { ...inputs, consensus: { ...inputs.consensus, blockIntervalMs: 200 } },
      "consensus.blockIntervalMs",
    ],
    [{ ...inputs, validators: [{ ...first, name: "w" }, ...others] }, "validators[0].name"],
    [{ ...inputs, validators: inputs.validators.slice(0, 1) }, "validators[1]"],
    [
      {
        ...inputs,
        validators: [...inputs.validators, { name: "v5", publicKey: UNKNOWN, weight: 1 }],
      },
      "validators[4]",
    ],
  ];
  for (const [changed, property] of variants) {
    const problems = handler.check?.(changed, old.inputs) ?? [];
    assert.equal(problems[0]?.property, property);
    assert.match(problems[0]?.reason ?? "", /this makes a new chain/);
    assert.match(problems[0]?.reason ?? "", /set reset: true/);
  }
});

test("update and its preview refuse what check would have, and never replace without reset", async (t) => {
  const { inputs, old, context, file, genesis } = await made(t);
  const changed = { ...inputs, chainId: "other" };
  const refused = {
    message: /chainId: got "other" where the genesis has "test-chain": this makes a new chain/,
  };
  await assert.rejects(handler.update(old, changed, context), refused);
  await assert.rejects(handler.planUpdate(old, changed, context), refused);
  assert.deepEqual(handler.diff(old, changed, context).changes, [
    { path: "chainId", kind: "update", replace: false },
  ]);
  assert.equal(await readFile(file, "utf8"), encodeGenesis(genesis));
});

test("with reset the change is a replacement", async (t) => {
  const { inputs, old, context, file } = await made(t);
  const changed = { ...inputs, chainId: "other", reset: true };
  assert.deepEqual(handler.check?.(changed, old.inputs), []);
  assert.deepEqual(handler.diff(old, changed, context).changes, [
    { path: "chainId", kind: "update", replace: true },
  ]);
  const replacement = await handler.create(changed, context);
  assert.notEqual(replacement.state.hash, old.state.hash);
  await handler.delete(old, context);
  assert.equal(await readFile(file, "utf8"), replacement.state.content);
});

test("unchanged: no difference; a lost or edited file is drift and written again", async (t) => {
  const { inputs, old, context, file } = await made(t);
  assert.deepEqual(handler.diff(old, inputs, context).changes, []);
  for (const spoil of [() => rm(file), () => writeFile(file, "{}")]) {
    await spoil();
    const found = await handler.read(old, context);
    assert.equal(found?.state.intact, false);
    const drifted = { ...old, state: { ...old.state, intact: false } };
    assert.deepEqual(handler.diff(drifted, inputs, context).changes, [
      { path: "intact", kind: "update", input: false },
    ]);
    assert.deepEqual(await handler.update(drifted, inputs, context), old.state);
    assert.equal(await readFile(file, "utf8"), old.state.content);
  }
});

test("a network that was taken down keeps its genesis: another one is refused when it comes back", async (t) => {
  const { inputs, old, context, file } = await made(t);
  await handler.delete(old, context);
  assert.equal(await readFile(file, "utf8"), old.state.content);
  assert.deepEqual((await handler.create(inputs, context)).state, old.state);
  const other = { ...inputs, chainId: "other" };
  const refused = { message: /chainId: got "other" where the genesis has "test-chain"/ };
  await assert.rejects(handler.create(other, context), refused);
  await assert.rejects(handler.planCreate(other, context), refused);
  const reset = await handler.create({ ...other, reset: true }, context);
  assert.equal(await readFile(file, "utf8"), reset.state.content);
});

test("with forget the file goes with the resource, unless another genesis has taken its place", async (t) => {
  const { inputs, old, context, file } = await made(t);
  const forgetful = { ...inputs, forget: true };
  assert.deepEqual(handler.diff(old, forgetful, context).changes, [
    { path: "forget", kind: "update" },
  ]);
  const state = await handler.update(old, forgetful, context);
  const reset = await handler.create({ ...forgetful, chainId: "other", reset: true }, context);
  await handler.delete({ ...old, state }, context);
  assert.equal(await readFile(file, "utf8"), reset.state.content);
  await handler.delete({ ...reset, inputs: forgetful }, context);
  await assert.rejects(readFile(file), { code: "ENOENT" });
});

test("a genesis without meaning is refused field by field", async (t) => {
  const { inputs } = await made(t);
  const validators = inputs.validators.map((validator) => ({ ...validator, name: "same" }));
  const problems = handler.check?.({ ...inputs, validators }, undefined) ?? [];
  assert.deepEqual(
    problems.map(({ property }) => property),
    ["validators[1].name", "validators[2].name", "validators[3].name"],
  );
});
