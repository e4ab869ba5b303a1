import { parentPort, workerData } from "node:worker_threads";
import { testNode } from "./nodes.ts";

/** A node on a thread of its own, whose event loop stands still for three seconds when asked to. */
const node = testNode(1, [0, 1], { bootstrap: [workerData.bootstrap as string] });
await node.start();
parentPort?.on("message", () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
  parentPort?.postMessage("awake");
});
