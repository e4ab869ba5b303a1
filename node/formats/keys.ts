import { fromHex, toHex } from "./bytes.ts";
import { PUBLIC_KEY_BYTES, SEED_BYTES, SigningKey } from "./ed25519.ts";

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** Identity multihash of a protobuf public key of type Ed25519 (1) and 32 bytes. */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);

/**
 * The libp2p peer id of an Ed25519 public key, in base58btc: `12D3KooW…`.
 *
 * @see https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
 */
export function peerIdOf(publicKey: Uint8Array): string {
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    throw new RangeError(`got ${publicKey.length} bytes, allowed: exactly ${PUBLIC_KEY_BYTES}`);
  return base58(new Uint8Array([...PEER_ID_PREFIX, ...publicKey]));
}

/** The public key in a peer id of `peerIdOf`; undefined for a peer id of another kind. */
export function publicKeyOfPeerId(peerId: string): Uint8Array | undefined {
  let value = 0n;
  for (const letter of peerId) {
    const digit = BASE58.indexOf(letter);
    if (digit < 0) return undefined;
    value = value * 58n + BigInt(digit);
  }
  const length = PEER_ID_PREFIX.length + PUBLIC_KEY_BYTES;
  const hex = value.toString(16).padStart(length * 2, "0");
  if (hex.length !== length * 2) return undefined;
  const bytes = Buffer.from(hex, "hex");
  if (!bytes.subarray(0, PEER_ID_PREFIX.length).equals(PEER_ID_PREFIX)) return undefined;
  const publicKey = new Uint8Array(bytes.subarray(PEER_ID_PREFIX.length));
  return peerIdOf(publicKey) === peerId ? publicKey : undefined;
}

function base58(bytes: Uint8Array): string {
  let value = BigInt(`0x${toHex(bytes)}`);
  let text = "";
  for (; value > 0n; value /= 58n) text = BASE58[Number(value % 58n)] + text;
  for (const byte of bytes) {
    if (byte !== 0) break;
    text = `1${text}`;
  }
  return text;
}

/** The text of a key file: the seed in hexadecimal and a line end. Mode 0600 is the writer's duty. */
export function encodeKeyFile(key: SigningKey): string {
  return `${toHex(key.seed())}\n`;
}

/**
 * Reads a key file or a key given as text.
 *
 * @throws RangeError that does not repeat the text
 */
export function decodeKeyFile(text: string): SigningKey {
  const trimmed = text.trim();
  if (trimmed.length !== SEED_BYTES * 2 || !/^[0-9a-f]+$/.test(trimmed))
    throw new RangeError(
      `got a key of ${trimmed.length} characters, allowed: ${SEED_BYTES * 2} lower-case hexadecimal digits`,
    );
  return new SigningKey(fromHex(trimmed, SEED_BYTES));
}
