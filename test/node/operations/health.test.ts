/**
 * Proves: when a node calls itself ready, and that one lying peer cannot change it. Does not prove
 * that the figures it is given are right.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Health, type HealthInputs } from "../../../node/operations/health.ts";
import { peer } from "../api/fake-node.ts";

const validators = ["a", "b", "c", "d"];
const at = (publicKey: string, height = 100) => ({ ...peer, publicKey, height });

function reasons(
  changes: Partial<HealthInputs>,
  prepare = (health: Health) => health.markStarted(),
) {
  const health = new Health({
    storage: () => undefined,
    height: () => 100,
    peers: () => [at("b"), at("c"), at("d")],
    validators,
    votes: "a",
    maxLag: 10,
    ...changes,
  });
  prepare(health);
  return Object.values(health.checks()).flatMap(({ reason }) => reason ?? []);
}

suite("a node is ready", () => {
  test("when all is well", () => assert.deepEqual(reasons({}), []));

  test("not before all services were started, nor while it stops", () => {
    assert.deepEqual(
      reasons({}, () => undefined),
      ["services are still starting"],
    );
    assert.deepEqual(
      reasons({}, (health) => {
        health.markStarted();
        health.markDraining();
      }),
      ["the node is stopping"],
    );
  });

  test("not when the disk is full", () =>
    assert.deepEqual(reasons({ storage: () => "1 MiB free" }), ["1 MiB free"]));

  test("a validator only with a quorum, itself included", () => {
    assert.deepEqual(reasons({ peers: () => [at("b"), at("c")] }), []);
    assert.deepEqual(reasons({ peers: () => [at("b"), at("x"), at("y")] }), [
      "2 of 4 validators reached, needed: 3",
    ]);
    assert.deepEqual(reasons({ peers: () => [], validators: ["a"] }), []);
  });

  test("a full node with any peer", () => {
    const votes = undefined;
    assert.deepEqual(reasons({ votes, peers: () => [] }), ["no peer is connected"]);
    assert.deepEqual(reasons({ votes, peers: () => [at("x")] }), []);
  });

  test("not when it is behind what more than f validators say", () => {
    const liar = () => [at("b", 9_000_000), at("c", 105), at("d", 100)];
    assert.deepEqual(reasons({ peers: liar }), []);
    const two = () => [at("b", 9_000_000), at("c", 111), at("d", 100)];
    assert.deepEqual(reasons({ peers: two }), ["11 blocks behind the network, allowed: 10"]);
    const strangers = () => [at("b"), at("c"), at("x", 9_000_000), at("y", 9_000_000)];
    assert.deepEqual(reasons({ peers: strangers }), []);
  });
});
