import { sha256, toHex } from "../../../../node/formats/bytes.ts";
import { SigningKey } from "../../../../node/formats/ed25519.ts";
import { createNetwork } from "../../../../node/network/network.ts";
import type { NetworkOptions } from "../../../../node/network/options.ts";
import type { Network } from "../../../../node/network/ports.ts";

/** The n-th key of the tests, always the same. */
export function keyOf(n: number): SigningKey {
  return new SigningKey(sha256(`network test key ${n}`));
}

export function publicKeyOf(n: number): string {
  return toHex(keyOf(n).publicKey);
}

export const genesisHash = toHex(sha256("network test genesis"));

export interface LogLine {
  readonly level: "debug" | "info" | "warn";
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export function recordingLogger(lines: LogLine[]): NetworkOptions["logger"] {
  const at = (level: LogLine["level"]) => (fields: object, message: string) => {
    lines.push({ level, message, fields: fields as Record<string, unknown> });
    if (process.env["NETWORK_TEST_LOG"]) console.error(level, message, JSON.stringify(fields));
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn") };
}

export interface TestNode {
  readonly network: Network;
  readonly log: LogLine[];
  start(): Promise<void>;
}

/** A node on a free loopback port; every option can be replaced. */
export function testNode(
  n: number,
  validators: readonly number[],
  options: Partial<NetworkOptions> = {},
): TestNode {
  const log: LogLine[] = [];
  const network = createNetwork({
    key: keyOf(n),
    genesisHash,
    validators: validators.map((v) => ({ name: `validator-${v}`, publicKey: publicKeyOf(v) })),
    role: validators.includes(n) ? "validator" : "full",
    nodeVersion: "0.1.0",
    protocolVersion: 0,
    listen: { host: "127.0.0.1", port: 0 },
    quic: false,
    bootstrap: [],
    logger: recordingLogger(log),
    height: () => n * 100,
    random: seededRandom(n),
    ...options,
  });
  return { network, log, start: () => network.start(new AbortController().signal) };
}

/** A small linear congruential generator: jitter that is the same in every run. */
export function seededRandom(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** How others find a started node. */
export function addressOf({ network }: TestNode): string {
  const port = /\/(?:tcp|udp)\/(\d+)/.exec(network.listenAddresses[0] ?? "")?.[1];
  return `${network.publicKey}@127.0.0.1:${port}`;
}

/** Resolves once the condition holds; rejects with its description after the time limit. */
export async function until(
  what: string,
  condition: () => boolean,
  limitMs = 10_000,
): Promise<void> {
  const endAt = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endAt) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function isConnected(a: TestNode, b: TestNode): boolean {
  return a.network.peers().some(({ publicKey }) => publicKey === b.network.publicKey);
}

/** Starts nodes one after the other; each knows those before it. All are connected when it resolves. */
export async function startMesh(
  count: number,
  options: (n: number) => Partial<NetworkOptions> = () => ({}),
): Promise<TestNode[]> {
  const all = Array.from({ length: count }, (_, n) => n);
  const nodes: TestNode[] = [];
  for (const n of all) {
    const node = testNode(n, all, { bootstrap: nodes.map(addressOf), ...options(n) });
    await node.start();
    nodes.push(node);
  }
  await until(`${count} nodes in a full mesh`, () =>
    nodes.every((node) => node.network.peers().length === count - 1),
  );
  return nodes;
}

export async function stopAll(nodes: readonly TestNode[]): Promise<void> {
  await Promise.all(nodes.map(({ network }) => network.stop()));
}
