/**
 * Proves how logs of several nodes are put in order and shown, and how the time of a run is divided.
 * Does not prove: what the nodes log.
 */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { EventTimes } from "../../../infra/cli/event-times.ts";
import { lastLines } from "../../../infra/cli/log-files.ts";
import { renderLogLine } from "../../../infra/cli/log-lines.ts";
import { nodesOf } from "../../../infra/cli/recorded.ts";
import { Stopwatch } from "../../../infra/cli/stopwatch.ts";

const directory = mkdtempSync(join(tmpdir(), "guts-output-"));
after(() => rmSync(directory, { recursive: true }));

const plain = { style: (_: string, text: string) => text };
const line = (second: number, msg: string) =>
  `{"level":"info","time":"2027-01-02T03:04:0${second}.000Z","msg":"${msg}"}\n`;

test("the last lines of all logs come in the order of time, without a torn last line", () => {
  const [one, two] = ["one", "two"].map((name) => ({ name, file: join(directory, name) }));
  assert.ok(one && two);
  writeFileSync(one.file, line(1, "a") + line(4, "d") + "  at somewhere\n" + line(6, "f"));
  writeFileSync(two.file, line(2, "b") + line(3, "c") + '{"torn":');
  const { lines, offsets } = lastLines([one, two], 3);
  assert.deepEqual(
    lines.map(({ source, text }) => `${source} ${/"msg":"(.)"/.exec(text)?.[1] ?? text.trim()}`),
    ["two b", "two c", "one d", "one at somewhere", "one f"],
  );
  assert.equal(offsets.get("two"), Buffer.byteLength(line(2, "b") + line(3, "c")));
  assert.deepEqual(lastLines([{ name: "none", file: join(directory, "none") }], 3).lines, []);
  assert.deepEqual(lastLines([one], 0).lines, []);
});

test("a log line is shown with its time, level, message and fields; another as it is", () => {
  const entry =
    '{"level":"warn","time":"2027-01-02T03:04:05.678Z","msg":"slow","ms":7,"why":"a b"}';
  assert.equal(renderLogLine(entry, "", plain), '03:04:05.678 warn  slow ms=7 why="a b"');
  assert.equal(renderLogLine("Error: x", "one", plain), "one  Error: x");
  assert.equal(renderLogLine("{torn", "", plain), "{torn");
});

test("the time of a run is divided into its parts, and looking is no part", () => {
  const times = new EventTimes(join(directory, "events.jsonl"));
  const event = (kind: string, type: string, op: string) =>
    `${JSON.stringify({ [kind]: { metadata: { type: `guts:index:${type}`, op } } })}\n`;
  writeFileSync(times.file, event("resourcePreEvent", "Bundle", "refresh"));
  appendFileSync(times.file, event("resourcePreEvent", "LocalNode", "create"));
  appendFileSync(times.file, event("resOutputsEvent", "LocalNode", "create"));
  assert.deepEqual(
    times.stop().map(({ name }) => name),
    ["nodes"],
  );
  const watch = new Stopwatch(directory);
  watch.lap("preparation");
  watch.lapWith("engine", [{ name: "nodes", ms: 1e6 }]);
  assert.deepEqual(
    watch.laps.map(({ name, ms }) => [name, ms >= 0]),
    [
      ["preparation", true],
      ["engine", true],
      ["nodes", true],
    ],
  );
});

test("nodes are listed validators first, by number, without those about to be deleted", () => {
  const node = (id: string, more: object = {}) => ({
    urn: id,
    type: "guts:index:LocalNode",
    outputs: { directory: `local/${id}`, logFile: `local/${id}/node.log`, apiUrl: `http://${id}` },
    ...more,
  });
  const genesis = {
    urn: "g",
    type: "guts:index:Genesis",
    outputs: { validators: [{ name: "a-10" }, { name: "a-9" }] },
  };
  const gone = node("a-11", { delete: true });
  const nodes = nodesOf({ home: "/home" }, [node("a-10"), genesis, node("a-0"), gone, node("a-9")]);
  assert.deepEqual(
    nodes.map(({ id, role }) => `${id} ${role}`),
    ["a-9 validator", "a-10 validator", "a-0 full node"],
  );
  assert.equal(nodes[0]?.logFile, "/home/local/a-9/node.log");
});
