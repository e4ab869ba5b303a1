import assert from "node:assert/strict";
import { parseNetwork, type ParseOptions } from "../../../infra/topology/parse.ts";
import type { Network } from "../../../infra/topology/schema.ts";
import { siteKinds } from "../../../infra/topology/sites.ts";

/** The day every test lives on. */
export const today = "2026-06-15";

/** So that rules for sites and purposes of later versions can be tested in this one. */
export const everything: ParseOptions = {
  today,
  kinds: siteKinds,
  purposes: ["devnet", "testnet", "mainnet"],
};

export const localSite = { name: "local", kind: "local", validators: 4 };
export const localNetwork = { chainId: "guts-local", purpose: "devnet", sites: [localSite] };

/** A network over three clouds and a rack: seven votes, at most two in one place. */
export const federation = {
  chainId: "guts-testnet-7",
  purpose: "mainnet",
  sites: [
    { name: "virginia", kind: "aws", region: "us-east-1", zones: ["a", "b"], validators: 2 },
    { name: "belgium", kind: "gcp", region: "europe-west1", validators: 2, fullNodes: 1 },
    { name: "singapore", kind: "azure", region: "southeastasia", validators: 2 },
    { name: "rack", kind: "ssh", hosts: [{ address: "203.0.113.10", user: "ops" }], validators: 1 },
  ],
};

/** A public key of RFC 8032 section 7.1, test 1. */
export const publicKey = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
/** Of test 2. */
export const otherPublicKey = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

export function parsed(value: unknown, options: ParseOptions = everything): Network {
  const result = parseNetwork(value, options);
  if ("problems" in result) assert.fail(JSON.stringify(result.problems, null, 2));
  return result.network;
}

/** One line per problem; none when the description is accepted. */
export function problemsOf(value: unknown, options: ParseOptions = everything): string[] {
  const result = parseNetwork(value, options);
  return "problems" in result
    ? result.problems.map(({ path, reason }) => `${path}: ${reason}`)
    : [];
}

export function warningsOf(value: unknown): string[] {
  const result = parseNetwork(value, everything);
  if ("problems" in result) assert.fail(JSON.stringify(result.problems, null, 2));
  return result.warnings.map(({ path, reason }) => `${path}: ${reason}`);
}

/** Machines of a site of kind ssh: 10.0.0.<first> and the next ones. */
export function hosts(first: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({ address: `10.0.0.${first + i}` }));
}
