import { type Column, textTable } from "../plan/text-table.ts";
import type { NetworkView, NodeView } from "./look.ts";
import type { Terminal } from "./terminal.ts";

const columns: readonly Column<NodeView>[] = [
  { title: "NODE", keep: 9, cell: ({ node }) => node.id },
  { title: "ROLE", keep: 5, cell: ({ node }) => node.role },
  { title: "STATE", keep: 8, cell: ({ state }) => state },
  { title: "HEIGHT", keep: 7, cell: ({ status }) => String(status?.height ?? "-") },
  { title: "VIEW", keep: 3, cell: ({ status }) => String(status?.view ?? "-") },
  { title: "PEERS", keep: 4, cell: ({ status }) => String(status?.peers ?? "-") },
  { title: "API", keep: 6, cell: ({ node }) => node.apiUrl },
  { title: "P2P", keep: 2, cell: ({ node }) => node.p2pAddress },
  { title: "MEMORY", keep: 1, cell: ({ residentBytes }) => megabytes(residentBytes) },
];

/** The nodes of a network, a row each. */
export function nodeTable({ nodes }: NetworkView, { width, unicode }: Terminal): string[] {
  return textTable(columns, nodes, { width, unicode });
}

/** What machines get to see of a network. */
export function networkJson(
  stack: string,
  genesisHash: string | undefined,
  { nodes, common, problems }: NetworkView,
): object {
  return {
    stack,
    healthy: problems.length === 0 && nodes.length > 0,
    genesisHash: genesisHash ?? null,
    height: common?.height ?? null,
    blockId: common?.blockId ?? null,
    problems,
    nodes: nodes.map(({ node, state, reason, pid, residentBytes, status }) => ({
      id: node.id,
      role: node.role,
      state,
      reason: reason ?? null,
      pid: pid ?? null,
      residentBytes: residentBytes ?? null,
      apiUrl: node.apiUrl,
      internalUrl: node.internalUrl,
      p2pAddress: node.p2pAddress,
      logFile: node.logFile,
      height: status?.height ?? null,
      view: status?.view ?? null,
      peers: status?.peers ?? null,
      publicKey: status?.publicKey ?? null,
      version: status?.version ?? null,
    })),
  };
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? "-" : `${Math.round(bytes / 2 ** 20)} MiB`;
}
