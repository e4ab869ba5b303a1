import { hash } from "node:crypto";

/** Bytes of a SHA-256 digest. FIPS 180-4. */
export const DIGEST_BYTES = 32;

/** SHA-256 of some bytes or of a text in UTF-8. */
export function sha256(data: Uint8Array | string): Uint8Array {
  return hash("sha256", data, "buffer");
}

/** Lower-case hexadecimal text. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/**
 * Reads hexadecimal text of an exact length.
 *
 * @throws RangeError for another length, upper-case letters or anything that is no hexadecimal digit
 */
export function fromHex(text: string, bytes: number): Uint8Array {
  if (text.length !== bytes * 2 || !/^[0-9a-f]*$/.test(text))
    throw new RangeError(
      `got "${text.slice(0, 80)}", allowed: ${bytes * 2} lower-case hexadecimal digits`,
    );
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** Whether two byte strings are equal; takes no care of timing, so not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
