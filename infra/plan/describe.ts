import { formatAddress } from "../../node/formats/configuration.ts";
import { durationText } from "../topology/duration.ts";
import { toleratedFaults } from "../topology/nodes.ts";
import { mermaid } from "./mermaid.ts";
import { type Column, type TextOptions, textTable, wrap } from "./text-table.ts";
import type { FirewallRule, KeyPlan, NetworkPlan, NodePlan } from "./types.ts";
import { planWarnings } from "./warnings.ts";

const columns: readonly Column<NodePlan>[] = [
  { title: "NODE", keep: 6, cell: ({ id }) => id },
  { title: "ROLE", keep: 5, cell: ({ role }) => (role === "full" ? "full node" : role) },
  { title: "API", keep: 4, cell: ({ api }) => formatAddress(api) },
  { title: "P2P", keep: 3, cell: ({ p2p }) => formatAddress(p2p) },
  { title: "INTERNAL", keep: 2, cell: ({ internal }) => formatAddress(internal) },
  { title: "FAILS WITH", keep: 1, cell: ({ failureDomain }) => failureDomain.join("/") },
];

/** A plan for people: as a table in plain text, or as a picture in the Mermaid language. */
export function describePlan(
  plan: NetworkPlan,
  form: "table" | "mermaid",
  options: TextOptions = {},
): string {
  return form === "mermaid" ? mermaid(plan) : table(plan, options);
}

/** Narrower than this, wrapped text is harder to read than lines that are too long. */
const LEAST_TEXT = 24;

function table(plan: NetworkPlan, options: TextOptions): string {
  const { width = 100 } = options;
  const facts = [...factsOf(plan), ...planWarnings(plan).map((warning) => ["warning", warning])];
  const titleWidth = Math.max(...facts.map(([title = ""]) => title.length)) + 2;
  const factLines = facts.flatMap(([title = "", text = ""]) =>
    wrap(text, Math.max(LEAST_TEXT, width - titleWidth)).map(
      (line, i) => `${(i === 0 ? title : "").padEnd(titleWidth)}${line}`,
    ),
  );
  return `${[...factLines, "", ...textTable(columns, plan.nodes, options)].join("\n")}\n`;
}

/** Pairs of a title and a text. */
function factsOf({ chainId, purpose, genesis, nodes, keys, cost, verdict, budget }: NetworkPlan) {
  const { consensus, validators, accounts } = genesis;
  const faults = toleratedFaults(validators.length);
  const fullNodes = nodes.filter(({ role }) => role === "full").length;
  const sizes = `up to ${consensus.maxBlockBytes} bytes and ${consensus.maxBlockTransactions} transactions`;
  const timeouts = `${durationText(consensus.leaderTimeoutMs)} for a proposal, ${durationText(consensus.certificationTimeoutMs)} for a certified block`;
  return [
    ["chain", `${chainId}, a ${purpose}`],
    [
      "nodes",
      `${count(validators.length, "validator")}, ${count(fullNodes, "full node")}; ${count(validators.length - faults, "vote")} needed to finalize, ${count(faults, "fault")} survived`,
    ],
    ["blocks", `every ${durationText(consensus.blockIntervalMs)}, ${sizes}`],
    ["timeouts", timeouts],
    ["keys", keysOf(keys)],
    ["accounts", accounts.map(({ name, role }) => `${name} (${role})`).join(", ") || "none"],
    ["files", filesOf(nodes)],
    ["open to", openTo(nodes)],
    [
      "cost",
      `${cost.monthlyUsd} USD per month at the prices of ${cost.pricesOf}${budget.monthlyUsd === undefined ? "" : `, budget ${budget.monthlyUsd} USD`}`,
    ],
    ...(budget.expires === undefined ? [] : [["expires", budget.expires]]),
    ["verdict", `finality seen within ${verdict.waitSeconds} s, or the network is not up`],
  ];
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

function keysOf(keys: readonly KeyPlan[]): string {
  const of = (use: KeyPlan["use"]) => keys.filter((key) => key.use === use).length;
  return `${count(of("validator"), "validator key")}, ${count(of("account"), "account key")}`;
}

function filesOf(nodes: readonly NodePlan[]): string {
  const paths = new Set(nodes.flatMap(({ files }) => files.map(({ path }) => path)));
  return `${[...paths].join(", ")} in a directory for each node`;
}

/** Who reaches what, with equal sources together. */
function openTo(nodes: readonly NodePlan[]): string {
  const sources = new Map<string, Set<FirewallRule["key"]>>();
  for (const { key, from } of nodes.flatMap(({ firewall }) => firewall)) {
    const source = from.join(", ");
    sources.set(source, (sources.get(source) ?? new Set()).add(key));
  }
  return (
    [...sources].map(([source, keys]) => `${source} (${[...keys].join(", ")})`).join("; ") ||
    "nobody"
  );
}
