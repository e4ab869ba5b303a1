import { fromHex } from "../../node/formats/bytes.ts";
import { PUBLIC_KEY_BYTES, publicKeyProblem } from "../../node/formats/ed25519.ts";
import { addressRangeProblem, coversEverything } from "./address-range.ts";
import { consensusProblems } from "./consensus.ts";
import { failureDomainProblems } from "./failure-domains.ts";
import { portProblems } from "./local-ports.ts";
import { countValidators, listNodes, toleratedFaults } from "./nodes.ts";
import type { Problem } from "./problem.ts";
import type { Network } from "./schema.ts";

const MOST_VALIDATORS = 100;

/** What a description of the right shape may still have wrong: rules that need more than one field. */
export function ruleProblems(network: Network, today: string): Problem[] {
  return [
    ...countProblems(network),
    ...nameProblems(network),
    ...siteProblems(network),
    ...externalProblems(network),
    ...accessProblems(network),
    ...consensusProblems(network),
    ...budgetProblems(network, today),
    ...portProblems(network),
    ...(network.purpose === "mainnet" ? failureDomainProblems(network) : []),
  ];
}

/** What is allowed but not advised. */
export function ruleWarnings(network: Network): Problem[] {
  const total = countValidators(network);
  const warnings: Problem[] = [];
  if (total >= 4 && (total - 1) % 3 !== 0) {
    const faults = toleratedFaults(total);
    warnings.push({
      path: "sites",
      reason: `got ${total} validators, which survive no more faults than ${3 * faults + 1} do (${faults}), recommended: ${recommended(faults).join(" or ")}`,
    });
  }
  if (network.purpose === "testnet") warnings.push(...failureDomainProblems(network));
  return warnings;
}

function recommended(faults: number): number[] {
  return [3 * faults + 1, 3 * faults + 4].filter((count) => count <= MOST_VALIDATORS);
}

function countProblems(network: Network): Problem[] {
  const total = countValidators(network);
  if (total > MOST_VALIDATORS)
    return [
      {
        path: "sites",
        reason: `got ${total} validators in all, allowed: at most ${MOST_VALIDATORS}; more readers are better served by fullNodes`,
      },
    ];
  if (total >= 4 || (total === 1 && network.purpose === "devnet")) return [];
  const single = network.purpose === "devnet" ? "1, or " : "";
  return [
    {
      path: "sites",
      reason: `got ${total} ${total === 1 ? "validator" : "validators"} in all, allowed on a ${network.purpose}: ${single}4 and more; 4 survive one fault, fewer survive none`,
    },
  ];
}

/** Names that more than one site or validator would have. */
function nameProblems(network: Network): Problem[] {
  const problems: Problem[] = [];
  const sites = firsts(network.sites.map(({ name }, i) => ({ name, path: `sites[${i}].name` })));
  problems.push(...sites);
  const own = new Set(listNodes(network).map(({ id }) => id));
  const external = network.external.map(({ name }, i) => ({ name, path: `external[${i}].name` }));
  problems.push(...firsts(external));
  for (const { name, path } of external)
    if (own.has(name))
      problems.push({ path, reason: `got "${name}", which is a node of [sites]; rename it` });
  return problems;
}

function firsts(entries: readonly { name: string; path: string }[]): Problem[] {
  const seen = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { name, path } of entries) {
    const first = seen.get(name);
    if (first === undefined) seen.set(name, path);
    else problems.push({ path, reason: `got "${name}", as in [${first}]; change one of them` });
  }
  return problems;
}

function siteProblems(network: Network): Problem[] {
  const problems: Problem[] = [];
  const local = network.sites.findIndex(({ kind }) => kind === "local");
  const remote = network.sites.findIndex(({ kind }) => kind !== "local");
  const other = remote >= 0 ? `sites[${remote}]` : network.external.length > 0 ? "external" : "";
  if (local >= 0 && other !== "")
    problems.push({
      path: `sites[${local}].kind`,
      reason: `got "local" together with [${other}], allowed: local sites among themselves, because their nodes listen on loopback and nobody else reaches them; use kind ssh for this machine`,
    });
  const hosts: { name: string; path: string }[] = [];
  for (const [i, site] of network.sites.entries()) {
    const nodes = site.validators + site.fullNodes;
    if (nodes === 0)
      problems.push({
        path: `sites[${i}]`,
        reason: `got no validators and no full nodes, allowed: at least one node; remove the site or raise [validators]`,
      });
    if (site.kind !== "ssh") continue;
    hosts.push(...site.hosts.map((host, j) => ({ name: host.address, path: hostPath(i, j) })));
    if (nodes > site.hosts.length)
      problems.push({
        path: `sites[${i}].hosts`,
        reason: `got ${site.hosts.length} for ${nodes} nodes, allowed: one host per node; add ${nodes - site.hosts.length}`,
      });
  }
  return [...problems, ...firsts(hosts)];
}

function hostPath(site: number, host: number): string {
  return `sites[${site}].hosts[${host}].address`;
}

function externalProblems({ external }: Network): Problem[] {
  const problems: Problem[] = [];
  for (const [i, { publicKey, p2pAddress }] of external.entries()) {
    const reason = publicKeyProblem(fromHex(publicKey, PUBLIC_KEY_BYTES));
    if (reason !== undefined)
      problems.push({
        path: `external[${i}].publicKey`,
        reason: `${reason}; ask its operator for the line that guts-node keygen prints`,
      });
    const port = Number(p2pAddress.split("/").at(-1));
    if (port < 1 || port > 65_535)
      problems.push({
        path: `external[${i}].p2pAddress`,
        reason: `got port ${port}, allowed: 1 to 65535`,
      });
  }
  const keys = external.map(({ publicKey }, i) => ({
    name: publicKey,
    path: `external[${i}].publicKey`,
  }));
  const addresses = external.map(({ p2pAddress }, i) => ({
    name: p2pAddress,
    path: `external[${i}].p2pAddress`,
  }));
  return [...problems, ...firsts(keys), ...firsts(addresses)];
}

function accessProblems({ access }: Network): Problem[] {
  const problems: Problem[] = [];
  for (const audience of ["api", "admin"] as const)
    for (const [i, range] of access[audience].entries()) {
      const path = `access.${audience}[${i}]`;
      const reason = addressRangeProblem(range);
      if (reason !== undefined) problems.push({ path, reason });
      else if (audience === "admin" && coversEverything(range))
        problems.push({
          path,
          reason: `got "${range}", allowed: not the whole internet; name the addresses of the operators, such as 198.51.100.7/32`,
        });
    }
  return problems;
}

function budgetProblems({ budget }: Network, today: string): Problem[] {
  const expires = budget?.expires;
  if (expires === undefined) return [];
  const path = "budget.expires";
  if (!isDay(expires))
    return [{ path, reason: `got "${expires}", allowed: a day of the calendar; correct it` }];
  if (expires >= today) return [];
  return [
    {
      path,
      reason: `got "${expires}", allowed: ${today} or later; move the date or take the network down`,
    },
  ];
}

/** Whether a text is a day of the calendar in the form 2027-01-31. */
export function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().slice(0, 10) === text;
}
