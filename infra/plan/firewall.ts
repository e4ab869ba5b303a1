import type { Endpoint, FirewallRule } from "./types.ts";

/** Address ranges that may reach a node, by what they are to it. */
export interface Audiences {
  readonly peers: readonly string[];
  readonly clients: readonly string[];
  readonly operators: readonly string[];
}

/** A node on loopback can be reached from its own machine only, whatever `access` says. */
export const loopbackAudiences: Audiences = {
  peers: ["127.0.0.0/8"],
  clients: ["127.0.0.0/8"],
  operators: ["127.0.0.0/8"],
};

/** Inbound rules of one node, in a stable order. A port that is not listed stays closed. */
export function planFirewall(
  node: { readonly api: Endpoint; readonly p2p: Endpoint; readonly internal: Endpoint },
  { peers, clients, operators }: Audiences,
): FirewallRule[] {
  const rules: FirewallRule[] = [
    { key: "p2p-tcp", protocol: "tcp", port: node.p2p.port, from: peers },
    { key: "p2p-udp", protocol: "udp", port: node.p2p.port, from: peers },
    { key: "api", protocol: "tcp", port: node.api.port, from: clients },
    { key: "internal", protocol: "tcp", port: node.internal.port, from: operators },
  ];
  return rules.filter(({ from }) => from.length > 0);
}
