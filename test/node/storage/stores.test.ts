/**
 * Proves: evidence and the address book come back as they were given, and evidence is kept once.
 * Does not prove: that the evidence is true; consensus checks that before.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStorage } from "../../../node/storage/open.ts";

const identity = { genesisHash: "aa".repeat(32), publicKey: "bb".repeat(32) };

test("evidence is kept for good, one of a kind, signer and view", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "guts-stores-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const first = openStorage(directory, identity);
  const evidence = { kind: "conflicting-notarize", signer: "cc", view: 5 } as const;
  first.evidence.record({ ...evidence, bytes: Uint8Array.of(1) });
  first.evidence.record({ ...evidence, bytes: Uint8Array.of(2) });
  first.evidence.record({ ...evidence, view: 6, bytes: Uint8Array.of(3) });
  first.evidence.record({ ...evidence, kind: "nullify-finalize", bytes: Uint8Array.of(4) });
  first.close();
  using second = openStorage(directory, identity);
  const list = second.evidence.list({ offset: 0, limit: 10 });
  assert.deepEqual(
    list.map(({ kind, view, bytes }) => [kind, view, bytes[0]]),
    [
      ["nullify-finalize", 5, 4],
      ["conflicting-notarize", 6, 3],
      ["conflicting-notarize", 5, 1],
    ],
  );
  assert.equal(second.evidence.list({ offset: 1, limit: 1 })[0]?.view, 6);
});

test("the address book is replaced as a whole", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "guts-stores-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const first = openStorage(directory, identity);
  assert.deepEqual(first.addressBook.load(), []);
  const record = (publicKey: string) => ({
    publicKey,
    addresses: ["/ip4/192.0.2.1/tcp/9000", "/ip4/192.0.2.1/udp/9000/quic-v1"],
    sequence: 7,
    record: Buffer.from([1, 2, 3]),
    lastSeen: 1_800_000_000_000,
  });
  first.addressBook.save([record("cc"), record("dd")]);
  first.addressBook.save([record("ee")]);
  first.close();
  using second = openStorage(directory, identity);
  assert.deepEqual(second.addressBook.load(), [record("ee")]);
});
