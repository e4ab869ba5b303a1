import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { sha256, toHex } from "../../../../node/formats/bytes.ts";
import { SigningKey } from "../../../../node/formats/ed25519.ts";
import { encodeGenesis, type Genesis, genesisHash } from "../../../../node/formats/genesis.ts";
import { gzipOf, tarOf } from "../../../../infra/provider/bundle/archive.ts";
import { bundleFile } from "../../../../infra/provider/bundle/build.ts";
import type { LocalNodeInputs } from "../../../../infra/provider/contracts/local-node.ts";
import type { Context } from "../../../../infra/provider/handler.ts";
import { requireFreePorts } from "../../../../infra/provider/local/ports.ts";
import { findByArgument, stopProcess } from "../../../../infra/provider/local/processes.ts";

/** A directory that is gone after the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "guts-provider-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface Heard {
  readonly context: Context;
  /** Everything a handler said, in order. */
  readonly messages: string[];
}

export function contextFor(home: string, name = "resource"): Heard {
  const messages: string[] = [];
  const say = (message: string) => void messages.push(message);
  const { signal } = new AbortController();
  return { messages, context: { home, name, signal, info: say, warn: say, progress: say } };
}

/**
 * Where this process looks for ports: below 32768, because clients of the whole machine get their ports
 * from there upwards, and a port that is free now may be a client's in a moment.
 */
let nextPort = 10_000 + (process.pid % 1_400) * 16;

/** The first of `count` ports in a row that nobody uses now, and that this process was not given before. */
export async function freePortRange(count: number): Promise<number> {
  for (;;) {
    const first = nextPort;
    nextPort = first + count < 32_768 ? first + count : 10_000;
    const wanted = Array.from({ length: count }, (_, i) => ({
      use: "test",
      protocol: "tcp" as const,
      host: "127.0.0.1",
      port: first + i,
    }));
    const problem = await requireFreePorts(wanted).catch((error: unknown) => error);
    if (problem === undefined) return first;
  }
}

/** A genesis of equal validators `v1`…; each call has other keys. */
export function makeGenesis(validators = 4, chainId = "test-chain"): Genesis {
  return {
    format: 1,
    chainId,
    purpose: "devnet",
    protocolVersion: 0,
    consensus: {
      blockIntervalMs: 100,
      leaderTimeoutMs: 1000,
      certificationTimeoutMs: 2000,
      nullifyRetryMs: 1000,
      maxBlockBytes: 1_048_576,
      maxBlockTransactions: 1000,
    },
    validators: Array.from({ length: validators }, (_, i) => ({
      name: `v${i + 1}`,
      publicKey: toHex(SigningKey.generate().publicKey),
      weight: 1 as const,
    })),
    accounts: [],
  };
}

export const double = fileURLToPath(import.meta.resolve("./node-double.ts"));

/**
 * A release in the cache of a home whose runtime is the one of this process and whose node is the double.
 *
 * @param variant makes another release
 * @returns its hash
 */
export async function doubleRelease(home: string, variant = ""): Promise<string> {
  const text = (content: string) => Buffer.from(content);
  const archive = await gzipOf(
    await tarOf([
      {
        path: "bin/node",
        content: text(`#!/bin/sh\nexec "${process.execPath}" "$@"\n`),
        executable: true,
      },
      { path: "app/guts-node.mjs", content: text(`await import(${JSON.stringify(double)});\n`) },
      { path: "release.json", content: text(JSON.stringify({ variant })) },
    ]),
  );
  const hash = toHex(sha256(archive));
  await mkdir(join(home, "bundles"), { recursive: true });
  await writeFile(join(home, bundleFile(hash)), archive);
  return hash;
}

/** Inputs of a LocalNode in `net/<name>` on free ports. */
export async function nodeInputs(
  release: string,
  genesis: Genesis,
  name = "v1",
): Promise<LocalNodeInputs> {
  const first = await freePortRange(3);
  const [api, internal, p2p] = [0, 1, 2].map((i) => `127.0.0.1:${first + i}`);
  const configuration = [
    `api-addr: ${api}`,
    `internal-addr: ${internal}`,
    `p2p-addr: ${p2p}`,
    "data-dir: data",
    "genesis-file: genesis.json",
    "",
  ].join("\n");
  return {
    directory: `net/${name}`,
    release,
    genesisHash: genesisHash(genesis),
    files: [
      { path: "node.yaml", content: configuration, mode: "0644" },
      { path: "genesis.json", content: encodeGenesis(genesis), mode: "0644" },
    ],
    dataDirectory: "data",
    apiAddr: api as string,
    internalAddr: internal as string,
    p2pAddr: p2p as string,
    startTimeoutSeconds: 20,
    stopTimeoutSeconds: 5,
  };
}

/** Makes a double behave otherwise from its next start on; see node-double.ts. */
export async function behave(home: string, name: string, how: string): Promise<void> {
  await mkdir(join(home, "net", name), { recursive: true });
  await writeFile(join(home, "net", name, "NODE_DOUBLE"), how);
}

/**
 * Ends whatever node still runs in a network of a home, when the test is over. Goes by the process table:
 * hooks run in the order in which they were set, so the directory may be gone already.
 */
export function stopNodesAfter(t: TestContext, home: string, names: readonly string[]): void {
  t.after(async () => {
    for (const name of names)
      for (const identity of await findByArgument(join(home, "net", name, "node.yaml")))
        await stopProcess(identity, 0);
  });
}
