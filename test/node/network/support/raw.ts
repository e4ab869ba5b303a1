import { noise } from "@chainsafe/libp2p-noise";
import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import type { Connection, Stream } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import {
  type ControlMessage,
  decodeControl,
  encodeControl,
  type Hello,
} from "../../../../node/network/control.ts";
import type { RawStream, RawStreamEvents } from "../../../../node/network/frame-stream.ts";
import { dataHeader, FrameReader } from "../../../../node/network/frames.ts";
import { genesisHash, keyOf, type TestNode } from "./nodes.ts";

/** A raw stream in memory: the test decides what arrives, when it drains, and what send answers. */
export class StubStream implements RawStream {
  readonly written: Uint8Array[] = [];
  aborted: Error | undefined;
  /** Answer of `send`; throws when it is an error. */
  answer: boolean | Error = true;
  readonly #listeners = new Map<string, ((argument: never) => void)[]>();

  on<E extends keyof RawStreamEvents>(
    event: E,
    listener: (argument: RawStreamEvents[E]) => void,
  ): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  send(data: Uint8Array): boolean {
    if (this.answer instanceof Error) throw this.answer;
    this.written.push(data);
    return this.answer;
  }

  abort(error: Error): void {
    this.aborted = error;
  }

  emit(event: keyof RawStreamEvents, argument?: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(argument as never);
  }

  get writtenBytes(): number {
    return this.written.reduce((sum, { length }) => sum + length, 0);
  }
}

/** Connects two stub streams: what one sends arrives at the other in the same call. */
export function joined(): [StubStream, StubStream] {
  const a = new StubStream();
  const b = new StubStream();
  a.send = (data) => (b.emit("message", data), true);
  b.send = (data) => (a.emit("message", data), true);
  return [a, b];
}

export function frame(message: Uint8Array): Uint8Array {
  return Buffer.concat([dataHeader(message.length), message]);
}

/** A libp2p node of the test's own: it can say what an honest node never says. */
export interface Rogue {
  readonly connection: Connection;
  /** Control messages received so far. */
  readonly heard: ControlMessage[];
  open(protocol: string): Promise<Stream>;
  say(message: ControlMessage): void;
  stop(): Promise<void>;
}

/** Dials a node and opens the hello stream; says hello and welcome unless told otherwise. */
export async function rogue(
  n: number,
  target: TestNode,
  options: { readonly hello?: Partial<Hello>; readonly silent?: boolean } = {},
): Promise<Rogue> {
  const libp2p = await createLibp2p({
    privateKey: await generateKeyPairFromSeed("Ed25519", keyOf(n).seed()),
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  });
  await libp2p.handle(
    ["votes", "certificates", "blocks", "transactions", "sync", "peers"].map((p) => `/guts/${p}/1`),
    // Reads everything and never gives credit back.
    (stream) => stream.addEventListener("message", () => undefined),
  );
  const address = target.network.listenAddresses[0] ?? "";
  const connection = await libp2p.dial(multiaddr(`${address}/p2p/${target.network.peerId}`));
  const control = await connection.newStream("/guts/hello/1");
  const heard: ControlMessage[] = [];
  const reader = new FrameReader({
    announced: () => undefined,
    credit: () => undefined,
    data: (bytes) => heard.push(decodeControl(bytes)),
  });
  control.addEventListener("message", ({ data }) => reader.push(data.subarray()));
  const say = (message: ControlMessage) => {
    control.send(frame(encodeControl(message)));
  };
  if (!options.silent) {
    say({
      kind: "hello",
      genesisHash,
      protocolVersion: 0,
      nodeVersion: "0.1.0",
      role: "full",
      height: 0,
      instance: "0000000000000001",
      ...options.hello,
    });
    say({ kind: "welcome" });
  }
  return {
    connection,
    heard,
    open: (protocol) => connection.newStream(`/guts/${protocol}/1`),
    say,
    stop: async () => libp2p.stop(),
  };
}
