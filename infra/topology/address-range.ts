/** An address range: `bits` leading bits of the address count. */
interface AddressRange {
  readonly address: bigint;
  readonly width: 32 | 128;
  readonly bits: number;
}

/** Reads a range in CIDR notation, RFC 4632 and RFC 4291 section 2.3; undefined when it is none. */
function readRange(text: string): AddressRange | undefined {
  const [addressText = "", bitsText = "", rest] = text.split("/");
  const width = addressText.includes(":") ? 128 : 32;
  const address = width === 128 ? readIpv6(addressText) : readIpv4(addressText);
  const bits = Number(bitsText);
  if (address === undefined || rest !== undefined || !/^\d{1,3}$/.test(bitsText)) return undefined;
  return bits <= width ? { address, width, bits } : undefined;
}

/** What is wrong with a range, if anything; the first address must be given, with no bits to spare. */
export function addressRangeProblem(text: string): string | undefined {
  const range = readRange(text);
  if (!range)
    return `got "${text}", allowed: an address range such as 203.0.113.0/24 or 2001:db8::/32`;
  const spare = BigInt(range.width - range.bits);
  const first = (range.address >> spare) << spare;
  if (first === range.address) return undefined;
  const address = range.width === 32 ? writeIpv4(first) : undefined;
  const advice = address === undefined ? "" : `, such as ${address}/${range.bits}`;
  return `got "${text}", allowed: the first address of the range, so that it says what it covers${advice}`;
}

/** Whether a range is all addresses of its family. */
export function coversEverything(text: string): boolean {
  return readRange(text)?.bits === 0;
}

function readIpv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let address = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256n + BigInt(part);
  }
  return address;
}

function writeIpv4(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((address >> shift) & 255n)).join(".");
}

/** Eight groups of up to four hexadecimal digits; one `::` stands for the groups that are missing. */
function readIpv6(text: string): bigint | undefined {
  const [head = "", tail, more] = text.split("::");
  if (more !== undefined) return undefined;
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const missing = 8 - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  let address = 0n;
  for (const group of [...front, ...Array<string>(missing).fill("0"), ...back]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    address = address * 65_536n + BigInt(`0x${group}`);
  }
  return address;
}
