/** Removes secrets from text that leaves the process. */

const HIDDEN = "[redacted]";
/** Values under these names are hidden whatever they look like. */
const SECRET_NAME =
  /("(?:[\w-]*(?:private[-_]?key|secret|password|passphrase|seed|mnemonic|authorization|cookie|token))"\s*:\s*)("(?:[^"\\]|\\.)*"|\[[^\]]*\]|\{[^}]*\}|[^,}\s]+)/gi;
const PEM = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
/** 32 bytes in hexadecimal are a private key by their shape, unless their name says otherwise. */
const HEX_32_BYTES = /(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])/g;
const PUBLIC_NAME =
  /(?:public[-_ ]?key|pubkey|peer|validator|leader|signer|producer|digest|hash|root|block|parent|genesis|transaction|certifies|tx|id)s?["']?\s*[:=]?\s*\[?(?:["'][0-9a-f]{64}["'],\s*)*["']?$/i;

/**
 * Hides private keys: by the name in front of them, by their shape, and by value for keys that
 * this process holds. Digests and public keys stay, as long as a name such as `digest` or
 * `publicKey` stands directly before them.
 */
export class Redactor {
  readonly #known: string[] = [];

  /** From now on hides this secret in hexadecimal and both forms of base64. */
  learn(secret: Uint8Array): void {
    const bytes = Buffer.from(secret);
    const base64 = bytes.toString("base64").replace(/=+$/, "");
    this.#known.push(bytes.toString("hex"), base64, bytes.toString("base64url"));
  }

  redact(text: string): string {
    let clean = text;
    for (const secret of this.#known)
      if (clean.includes(secret)) clean = clean.replaceAll(secret, HIDDEN);
    return clean
      .replace(SECRET_NAME, `$1"${HIDDEN}"`)
      .replace(PEM, HIDDEN)
      .replace(HEX_32_BYTES, (hex, offset: number, whole: string) =>
        PUBLIC_NAME.test(whole.slice(Math.max(0, offset - 300), offset)) ? hex : HIDDEN,
      );
  }
}
