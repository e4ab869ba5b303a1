import { BinaryReader, BinaryWriter, DecodeError } from "../../node/formats/binary.ts";
import { sha256, toHex } from "../../node/formats/bytes.ts";

/** A block of the simulated chain: only what consensus cares about. */
export interface SimulatedBlock {
  readonly parentDigest: Uint8Array;
  readonly height: number;
  readonly epoch: number;
  readonly view: number;
  readonly parentView: number;
  readonly leader: number;
  readonly timestamp: number;
  /** Makes two blocks of one view differ. */
  readonly salt: number;
  /** `invalid`: no verification accepts it. `uncertifiable`: only certification refuses it. */
  readonly flaw: "none" | "invalid" | "uncertifiable";
}

const flaws = ["none", "invalid", "uncertifiable"] as const;
const genesisBytes = new TextEncoder().encode("simulated genesis");
export const genesisDigest = sha256(genesisBytes);

export function encodeBlock(block: SimulatedBlock): Uint8Array {
  return new BinaryWriter(96)
    .raw(block.parentDigest)
    .u64(block.height)
    .u64(block.epoch)
    .u64(block.view)
    .u64(block.parentView)
    .u16(block.leader)
    .u64(block.timestamp)
    .u32(block.salt)
    .u8(flaws.indexOf(block.flaw))
    .finish();
}

/** Decoding is a function of the bytes, so one memory serves all simulated nodes. */
const decoded = new Map<string, SimulatedBlock>();

export function decodeBlock(bytes: Uint8Array): SimulatedBlock | undefined {
  const name = toHex(bytes);
  const known = decoded.get(name);
  if (known !== undefined) return known;
  try {
    const block = readBlock(new BinaryReader(bytes));
    if (decoded.size > 20_000) decoded.clear();
    decoded.set(name, block);
    return block;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function readBlock(reader: BinaryReader): SimulatedBlock {
  const block = {
    parentDigest: reader.raw(32),
    height: reader.u64(),
    epoch: reader.u64(),
    view: reader.u64(),
    parentView: reader.u64(),
    leader: reader.u16(),
    timestamp: reader.u64(),
    salt: reader.u32(),
    flaw: flaws[reader.u8()] ?? "invalid",
  };
  reader.finish();
  return block;
}
