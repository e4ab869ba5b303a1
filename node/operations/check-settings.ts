import { isIP } from "node:net";
import {
  type HostPort,
  type NodeSettings,
  parseAddress,
  type SettingProblem,
} from "../formats/configuration.ts";

/** Whether a host can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

/** Loopback or an address that is not routed on the internet: RFC 1918, RFC 6598, RFC 4193, link-local. */
export function isPrivate(host: string): boolean {
  if (isLoopback(host)) return true;
  if (isIP(host) === 6) return /^(f[cd]|fe[89ab])/i.test(host);
  if (isIP(host) !== 4) return false;
  const [a, b] = host.split(".").map(Number) as [number, number];
  if (a === 10 || (a === 192 && b === 168) || (a === 169 && b === 254)) return true;
  return (a === 172 && b >= 16 && b < 32) || (a === 100 && b >= 64 && b < 128);
}

/** What is wrong with settings that are each fine on their own. */
export function checkSettings(settings: NodeSettings): SettingProblem[] {
  return [
    ...checkConsensus(settings),
    ...checkAddresses(settings),
    ...checkKey(settings),
    ...checkOpenWrites(settings),
  ];
}

function checkConsensus(settings: NodeSettings): SettingProblem[] {
  const problems: SettingProblem[] = [];
  if (!settings.consensusUseSimplexBft)
    problems.push({
      name: "consensus-use-simplex-bft",
      reason: "got false, allowed: true, because Simplex BFT is the only consensus engine",
    });
  if (settings.genesisUrl !== undefined) {
    if (settings.consensusEnabled)
      problems.push({
        name: "genesis-url",
        reason:
          "got a URL for a validator, allowed: genesis-file, so that it joins what its operator read",
      });
    if (settings.genesisHash === undefined)
      problems.push({
        name: "genesis-url",
        reason: "got no genesis-hash, without which the URL decides which chain this is",
      });
    if (settings.genesisFile !== undefined)
      problems.push({
        name: "genesis-url",
        reason: "got genesis-file as well, allowed: one of the two",
      });
  }
  return problems;
}

function checkAddresses(settings: NodeSettings): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const internal = parseAddress(settings.internalAddr) as HostPort;
  if (!settings.internalAddrPublic && !isPrivate(internal.host))
    problems.push({
      name: "internal-addr",
      reason: `got ${settings.internalAddr}, allowed: a loopback or private address, or set internal-addr-public`,
    });
  const tcp = { "api-addr": settings.apiAddr, "internal-addr": settings.internalAddr };
  const all = Object.entries({ ...tcp, "p2p-addr": settings.p2pAddr });
  for (const [i, [name, address]] of all.entries()) {
    const first = all.slice(0, i).find(([, other]) => overlaps(other, address));
    if (first)
      problems.push({ name, reason: `got ${address}, which clashes with ${first[0]} ${first[1]}` });
  }
  return problems;
}

/** Port 0 takes a free port, so it clashes with nothing. */
function overlaps(one: string, other: string): boolean {
  const [a, b] = [parseAddress(one) as HostPort, parseAddress(other) as HostPort];
  const wild = [a.host, b.host].some((host) => host === "0.0.0.0" || host === "::");
  return a.port === b.port && a.port !== 0 && (a.host === b.host || wild);
}

function checkKey(settings: NodeSettings): SettingProblem[] {
  const { privateKey, privateKeyFile, keySource } = settings;
  const given = Object.entries({
    "private-key": privateKey,
    "private-key-file": privateKeyFile,
    "key-source": keySource,
  }).filter(([, value]) => value !== undefined);
  if (given.length < 2) return [];
  const all = given.map(([name]) => name);
  return [
    { name: all[1] as string, reason: `got ${all.join(" and ")}, allowed: one place for the key` },
  ];
}

function checkOpenWrites(settings: NodeSettings): SettingProblem[] {
  if (settings.openWrites === "off") return [];
  const problems: SettingProblem[] = [];
  const { host } = parseAddress(settings.apiAddr) as HostPort;
  if (!isLoopback(host))
    problems.push({
      name: "open-writes",
      reason: `got loopback with api-addr ${settings.apiAddr}, allowed: only with a loopback api-addr such as 127.0.0.1:8080, because anybody who reaches it may write`,
    });
  if (settings.devnetAccountKeyFile === undefined)
    problems.push({
      name: "open-writes",
      reason: "got no devnet-account-key-file, needed to sign what is written",
    });
  return problems;
}
