/**
 * Proves: the order in which services start and stop, what happens when one fails, and which exit
 * an error calls for. Does not prove that a service honours its signal.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ExitError, exitReasonOf } from "../../../node/operations/exit.ts";
import { runServices, type Startable } from "../../../node/operations/run.ts";
import { StorageError } from "../../../node/storage/errors.ts";

function recorder() {
  const events: string[] = [];
  const service = (name: string, changes: Partial<Startable> = {}): Startable => ({
    name,
    start: () => void events.push(`start ${name}`),
    stop: () => void events.push(`stop ${name}`),
    ...changes,
  });
  return { events, service };
}

suite("services", () => {
  test("start in order, stop last first when asked to", async () => {
    const { events, service } = recorder();
    const asked = new AbortController();
    await runServices([service("a"), service("b"), service("c")], asked.signal, {
      ready: () => {
        events.push("ready");
        asked.abort();
      },
    });
    const wanted = ["start a", "start b", "start c", "ready", "stop c", "stop b", "stop a"];
    assert.deepEqual(events, wanted);
  });

  test("a start that fails stops it and those before, and is thrown", async () => {
    const { events, service } = recorder();
    const failing = service("b", { start: () => Promise.reject(new Error("no")) });
    await assert.rejects(
      runServices([service("a"), failing, service("c")], new AbortController().signal),
      /no/,
    );
    assert.deepEqual(events, ["start a", "stop b", "stop a"]);
  });

  test("a stop that fails is told, and the others are stopped", async () => {
    const { events, service } = recorder();
    const asked = new AbortController();
    const failing = service("b", { stop: () => Promise.reject(new Error("no")) });
    await runServices([service("a"), failing], asked.signal, {
      ready: () => asked.abort(),
      stopFailed: (name, error) => events.push(`${name}: ${(error as Error).message}`),
    });
    assert.deepEqual(events, ["start a", "start b", "b: no", "stop a"]);
  });

  test("a service below keeps its signal until those above have stopped", async () => {
    const { service } = recorder();
    const asked = new AbortController();
    let below: AbortSignal | undefined;
    const seen: boolean[] = [];
    const lower = service("a", {
      start: (signal) => {
        below = signal;
      },
    });
    const upper = service("b", { stop: () => void seen.push(below?.aborted === true) });
    await runServices([lower, upper], asked.signal, { ready: () => asked.abort() });
    assert.deepEqual([...seen, below?.aborted], [false, true]);
  });

  test("being asked to stop interrupts a start and begins no other", async () => {
    const { events, service } = recorder();
    const asked = new AbortController();
    const slow = service("a", {
      start: (signal) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => resolve());
          asked.abort();
        }),
    });
    await runServices([slow, service("b")], asked.signal, { ready: () => events.push("ready") });
    assert.deepEqual(events, ["stop a"]);
  });
});

test("an error says which exit it calls for, also as a cause", () => {
  const full = new StorageError({ code: "disk-full", path: "x" });
  const locked = new StorageError({ code: "locked", path: "x" });
  assert.equal(exitReasonOf(full), "storage");
  assert.equal(exitReasonOf(new Error("vote not kept", { cause: full })), "storage");
  assert.equal(exitReasonOf(locked), "dataDirectory");
  assert.equal(exitReasonOf(new ExitError("key", "x")), "key");
  assert.equal(exitReasonOf(new Error("x")), "bug");
  assert.equal(exitReasonOf(Object.assign(new Error("x"), { reason: "toString" })), "bug");
  assert.equal(exitReasonOf("text"), "bug");
  assert.deepEqual(
    (["stopped", "configuration", "dataDirectory", "key", "storage", "bug"] as const).map(
      (reason) => new ExitError(reason, "x").exitCode,
    ),
    [0, 2, 3, 4, 5, 70],
  );
});
