import { BlockList, isIP, isIPv4 } from "node:net";
import { multiaddr } from "@multiformats/multiaddr";
import { fromHex, toHex } from "../formats/bytes.ts";
import { PUBLIC_KEY_BYTES } from "../formats/ed25519.ts";
import { peerIdOf, publicKeyOfPeerId } from "../formats/keys.ts";

export type Transport = "tcp" | "quic";

/** Where a node can be dialed. */
export interface Endpoint {
  readonly kind: "ip4" | "ip6" | "dns" | "dns4" | "dns6";
  readonly host: string;
  readonly port: number;
  readonly transport: Transport;
}

export interface BootstrapPeer {
  /** 64 lower-case hexadecimal digits. */
  readonly publicKey: string;
  readonly endpoints: readonly Endpoint[];
}

const MAX_ADDRESS_LENGTH = 256;
const hostKinds = new Set(["ip4", "ip6", "dns", "dns4", "dns6"]);

const privateRanges = new BlockList();
for (const [network, prefix] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
] as const)
  privateRanges.addSubnet(network, prefix, "ipv4");
privateRanges.addSubnet("fc00::", 7, "ipv6");
privateRanges.addSubnet("fe80::", 10, "ipv6");

const loopbackRanges = new BlockList();
loopbackRanges.addSubnet("127.0.0.0", 8, "ipv4");
loopbackRanges.addAddress("::1", "ipv6");

/** How far an address reaches: this machine, this site (RFC 1918, RFC 4193 and the like), or all. */
export type Reach = "loopback" | "private" | "public";

/** @param host an IP address or a name; a name counts as public unless it is `localhost` */
export function reachOf(host: string): Reach {
  if (host === "localhost") return "loopback";
  if (isIP(host) === 0) return "public";
  const family = isIPv4(host) ? "ipv4" : "ipv6";
  if (loopbackRanges.check(host, family)) return "loopback";
  return privateRanges.check(host, family) ? "private" : "public";
}

/**
 * Reads a multiaddr such as /ip4/203.0.113.7/tcp/9000 or /dns4/v.example/udp/9000/quic-v1; a peer
 * id at its end is left out.
 *
 * @throws RangeError that names the address and the forms allowed
 */
export function parseEndpoint(address: string): Endpoint {
  const problem = new RangeError(
    `got the address "${address.slice(0, MAX_ADDRESS_LENGTH)}", allowed: /ip4, /ip6, /dns, /dns4 or /dns6, then /tcp/<port> or /udp/<port>/quic-v1`,
  );
  if (address.length > MAX_ADDRESS_LENGTH) throw problem;
  let parts;
  try {
    parts = multiaddr(address).getComponents();
  } catch {
    throw problem;
  }
  const [host, port, ...rest] = parts.filter(({ name }) => name !== "p2p");
  const protocols = rest.map(({ name }) => name).join("/");
  if (!host?.value || !port?.value || !hostKinds.has(host.name)) throw problem;
  const isTcp = port.name === "tcp" && protocols === "";
  const isQuic = port.name === "udp" && protocols === "quic-v1";
  if (!isTcp && !isQuic) throw problem;
  return {
    kind: host.name as Endpoint["kind"],
    host: host.value,
    port: Number(port.value),
    transport: isTcp ? "tcp" : "quic",
  };
}

export function formatEndpoint({ kind, host, port, transport }: Endpoint): string {
  const suffix = transport === "tcp" ? `tcp/${port}` : `udp/${port}/quic-v1`;
  return `/${kind}/${host}/${suffix}`;
}

/** TCP and QUIC share the port number, so either address gives the other. */
export function withBothTransports(endpoint: Endpoint): Endpoint[] {
  return [
    { ...endpoint, transport: "tcp" },
    { ...endpoint, transport: "quic" },
  ];
}

/**
 * Reads a bootstrap setting: `<public key or peer id>@host:port`, or a multiaddr with a peer id.
 *
 * @throws RangeError that names the setting and the forms allowed
 */
export function parseBootstrap(setting: string): BootstrapPeer {
  if (setting.startsWith("/")) {
    const peerId = /\/p2p\/([^/]+)$/.exec(setting)?.[1];
    if (peerId === undefined) throw bootstrapProblem(setting, "it has no /p2p/<peer id>");
    const publicKey = keyOf(setting, peerId);
    return { publicKey, endpoints: withBothTransports(parseEndpoint(setting)) };
  }
  const parts = /^([^@]+)@(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(setting);
  if (!parts) throw bootstrapProblem(setting, "it is not <public key or peer id>@host:port");
  const [, key = "", bracketed, plain, portText] = parts;
  const host = bracketed ?? plain ?? "";
  const port = Number(portText);
  if (port < 1 || port > 65_535) throw bootstrapProblem(setting, "the port is not 1 to 65535");
  const kind = isIP(host) === 4 ? "ip4" : isIP(host) === 6 ? "ip6" : "dns4";
  const publicKey = keyOf(setting, key);
  return { publicKey, endpoints: withBothTransports({ kind, host, port, transport: "tcp" }) };
}

function keyOf(setting: string, text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  const publicKey = publicKeyOfPeerId(text);
  if (!publicKey) throw bootstrapProblem(setting, "its key is no Ed25519 public key or peer id");
  return toHex(publicKey);
}

function bootstrapProblem(setting: string, reason: string): RangeError {
  return new RangeError(
    `got the bootstrap peer "${setting.slice(0, MAX_ADDRESS_LENGTH)}": ${reason}; allowed: <public key or peer id>@host:port, or a multiaddr that ends in /p2p/<peer id>`,
  );
}

export function peerIdOfHex(publicKey: string): string {
  return peerIdOf(fromHex(publicKey, PUBLIC_KEY_BYTES));
}
