import { createHash } from "node:crypto";

/** What makes names of one network differ from those of another in the same account. */
export interface NamingContext {
  readonly project: string;
  readonly stack: string;
}

const HASH_DIGITS = 8;
/** Room for a letter, a hyphen and the hash, and for something readable. */
const LEAST_LIMIT = 16;

/**
 * A name for a thing outside of our control: readable head and eight hex digits of a hash, lower-case
 * letters, digits and hyphens, starting with a letter. Equal input gives the equal name, and inputs that
 * differ only where the head is cut or cleaned still differ in the hash.
 *
 * @param limit most characters the service allows, at least 16
 * @throws RangeError for a lower limit
 */
export function physicalName(context: NamingContext, logical: string, limit: number): string {
  if (!Number.isSafeInteger(limit) || limit < LEAST_LIMIT)
    throw new RangeError(`got a limit of ${limit}, allowed: an integer of ${LEAST_LIMIT} or more`);
  const { project, stack } = context;
  const identity = JSON.stringify([project, stack, logical]); // a joined text would be ambiguous
  const tail = createHash("sha256").update(identity).digest("hex").slice(0, HASH_DIGITS);
  const clean = `${project}-${stack}-${logical}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const lettered = clean.replace(/^[^a-z]+/, "") || "guts";
  const head = lettered.slice(0, limit - HASH_DIGITS - 1).replace(/-+$/, "");
  return `${head}-${tail}`;
}
