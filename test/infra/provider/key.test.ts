/**
 * Proves: a key is made once, kept with tight modes, adopted, never replaced in silence, and its private
 * half is in no output and no message. Killing the maker at any step leaves nothing a next run trips over.
 * Does not prove: that the file system keeps what fsync promised.
 */
import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { toHex } from "../../../node/formats/bytes.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import { decodeKeyFile, encodeKeyFile, peerIdOf } from "../../../node/formats/keys.ts";
import type { KeyInputs } from "../../../infra/provider/contracts/key.ts";
import { validatorKeyHandler as handler } from "../../../infra/provider/handlers/key.ts";
import { contextFor, temporaryDirectory } from "./support/harness.ts";

const inputs: KeyInputs = { network: "guts/test", keyId: "v1", vault: "file:test/keys" };

async function made(t: TestContext, changes: Partial<KeyInputs> = {}) {
  const home = await temporaryDirectory(t);
  const { context, messages } = contextFor(home);
  const { id, state } = await handler.create({ ...inputs, ...changes }, context);
  const old = { id, inputs: { ...inputs, ...changes }, state };
  return { home, context, messages, old, file: join(home, "test/keys/v1.key") };
}

test("a new key: public half out, private half in a file of mode 0600 in a directory of 0700", async (t) => {
  const { home, old, file, messages } = await made(t);
  const text = await readFile(file, "utf8");
  const key = decodeKeyFile(text);
  assert.equal(old.state.publicKey, toHex(key.publicKey));
  assert.equal(old.state.peerId, peerIdOf(key.publicKey));
  assert.equal(old.state.reference, "file:test/keys/v1.key");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(join(home, "test/keys"))).mode & 0o777, 0o700);
  assert.deepEqual((await readdir(join(home, "test/keys"))).sort(), ["v1.json", "v1.key"]);
  const told = JSON.stringify([old, messages]);
  assert.ok(!told.includes(text.trim()), "the private key is in the outputs");
});

test("create adopts the key of the same network and tightens its mode", async (t) => {
  const { context, old, file } = await made(t);
  await chmod(file, 0o644);
  const again = await handler.create(inputs, context);
  assert.deepEqual(again.state, old.state);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test("a key that was put there by hand is adopted and recorded", async (t) => {
  const home = await temporaryDirectory(t);
  const key = SigningKey.generate();
  await mkdir(join(home, "test/keys"), { recursive: true });
  await writeFile(join(home, "test/keys/v1.key"), encodeKeyFile(key));
  const { state } = await handler.create(inputs, contextFor(home).context);
  assert.equal(state.publicKey, toHex(key.publicKey));
  const record = JSON.parse(await readFile(join(home, "test/keys/v1.json"), "utf8")) as object;
  assert.deepEqual(record, { format: 1, network: "guts/test", publicKey: state.publicKey });
});

test("the key of another network is refused and stays as it is", async (t) => {
  const { context, file } = await made(t);
  const before = await readFile(file, "utf8");
  await assert.rejects(handler.create({ ...inputs, network: "guts/other" }, context), {
    message: /is the key "v1" of the network "guts\/test", not of "guts\/other"/,
  });
  assert.equal(await readFile(file, "utf8"), before);
});

test("a lost key is drift, an error of the update that says what to do, and never a new key", async (t) => {
  const { context, old, file } = await made(t);
  await rename(file, `${file}.away`);
  const found = await handler.read(old, context);
  assert.equal(found?.state.status, "missing");
  const lost = { ...old, state: { ...old.state, status: "missing" as const } };
  const { changes } = handler.diff(lost, inputs, context);
  assert.deepEqual(changes, [{ path: "status", kind: "update", input: false }]);
  const gone = { message: /is gone from .*v1\.key: put the file back from a backup/ };
  await assert.rejects(handler.planUpdate(lost, inputs, context), gone);
  await assert.rejects(handler.update(lost, inputs, context), gone);
  await assert.rejects(handler.create(inputs, context), gone);
  await assert.rejects(stat(file), { code: "ENOENT" });
  await rename(`${file}.away`, file);
  assert.deepEqual((await handler.read(lost, context))?.state, old.state);
});

test("another key in the file is drift and refused", async (t) => {
  const { context, old, file } = await made(t);
  await writeFile(file, encodeKeyFile(SigningKey.generate()));
  const state = (await handler.read(old, context))?.state;
  assert.equal(state?.status, "changed");
  await assert.rejects(
    handler.update({ ...old, state: { ...old.state, status: "changed" } }, inputs, context),
    {
      message: /holds another key than/,
    },
  );
  await assert.rejects(handler.create(inputs, context), { message: /its record says/ });
});

test("a file that is no key is named without repeating it", async (t) => {
  const { context, file } = await made(t);
  await writeFile(file, "deadbeef-not-a-key");
  await assert.rejects(handler.create(inputs, context), (error: Error) => {
    assert.match(error.message, /v1\.key is not a key file/);
    assert.ok(!error.message.includes("deadbeef"));
    return true;
  });
});

test("network, key id and vault cannot change", async (t) => {
  const { old } = await made(t);
  for (const [property, value] of [
    ["network", "guts/other"],
    ["keyId", "v2"],
    ["vault", "file:other"],
  ] as const) {
    const problems = handler.check?.({ ...inputs, [property]: value }, old.inputs) ?? [];
    assert.deepEqual(
      problems.map((problem) => problem.property),
      [property],
    );
    assert.match(problems[0]?.reason ?? "", /it cannot change, a key made anew would be another/);
  }
  assert.deepEqual(handler.check?.({ ...inputs, forget: true }, old.inputs), []);
});

test("delete keeps the key unless it is to be forgotten", async (t) => {
  const kept = await made(t);
  await handler.delete(kept.old, kept.context);
  assert.ok(await stat(kept.file));
  const forgotten = await made(t, { forget: true });
  await handler.delete(forgotten.old, forgotten.context);
  assert.deepEqual(await readdir(join(forgotten.home, "test/keys")), []);
  await handler.delete(forgotten.old, forgotten.context);
});

test("a maker killed between any two steps leaves what the next one finishes", async (t) => {
  // Steps: temporary file, record, rename. The record alone means that the key was lost.
  const steps: Record<string, (directory: string, key: string, record: string) => Promise<void>> = {
    "before the record": async (directory, key) => {
      await writeFile(join(directory, ".v1.key.tmp"), key, { mode: 0o600 });
    },
    "before the rename": async (directory, key, record) => {
      await writeFile(join(directory, ".v1.key.tmp"), key, { mode: 0o600 });
      await writeFile(join(directory, "v1.json"), record);
    },
  };
  for (const [name, leave] of Object.entries(steps))
    await t.test(name, async (t2) => {
      const home = await temporaryDirectory(t2);
      const directory = join(home, "test/keys");
      await mkdir(directory, { recursive: true });
      const key = SigningKey.generate();
      const record = { format: 1, network: "guts/test", publicKey: toHex(key.publicKey) };
      await leave(directory, encodeKeyFile(key), JSON.stringify(record));
      const { state } = await handler.create(inputs, contextFor(home).context);
      if (name === "before the rename") assert.equal(state.publicKey, record.publicKey);
      assert.deepEqual((await readdir(directory)).sort(), ["v1.json", "v1.key"]);
      const kept = decodeKeyFile(await readFile(join(directory, "v1.key"), "utf8"));
      assert.equal(toHex(kept.publicKey), state.publicKey);
    });
});

test("a vault outside of home is refused", async (t) => {
  const home = await temporaryDirectory(t);
  await assert.rejects(
    handler.create({ ...inputs, vault: "file:../elsewhere" }, contextFor(home).context),
    { message: /allowed: a path under the home/ },
  );
});

test("home below a file is refused with the reason", async (t) => {
  const home = await temporaryDirectory(t);
  await writeFile(join(home, "test"), "");
  await assert.rejects(handler.create(inputs, contextFor(home).context), {
    message: /cannot make the directory .*: a part of the path is a file/,
  });
  await rm(join(home, "test"));
});
