/** A rule of consensus broken on purpose, and the promises that then fail. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Any of these may be the first to fail. */
  readonly breaks: readonly string[];
}

/** Each text to find occurs exactly once in its file, which the test checks. */
export const mutations: readonly Mutation[] = [
  {
    name: "votes are sent before they are durable",
    file: "session.ts",
    find: "    try {\n      if (records.length > 0) {",
    replace:
      "    try {\n      for (const action of actions) this.#actions.run(action);\n      if (records.length > 0) {",
    breaks: ["S12"],
  },
  {
    name: "finalize is sent after nullify",
    file: "permissions.ts",
    find: "    round.own.finalize === undefined &&\n    round.own.nullify === undefined &&\n    round.view > lastFinalized",
    replace: "    round.own.finalize === undefined &&\n    round.view > lastFinalized",
    breaks: ["S11", "S7"],
  },
  {
    name: "finalize is sent without certification",
    file: "permissions.ts",
    find: '    round.certify === "true" &&\n',
    replace: "",
    breaks: ["S20"],
  },
  {
    name: "notarize is sent without verification",
    file: "permissions.ts",
    find: '    round.status === "verified" &&',
    replace: "    round.proposal !== undefined &&",
    breaks: ["S20"],
  },
  {
    name: "notarize follows the leader from one proposal to another",
    file: "simplex.ts",
    find: '      if (statement.kind === "notarize" && from === round.leader) round.status = "equivocated";',
    replace: `      if (statement.kind === "notarize" && from === round.leader) {
        round.proposal = statement.proposal;
        round.status = "unverified";
        round.verification = round.own.notarize = undefined;
        this.#advance(round);
      }`,
    breaks: ["S11/S19", "S20"],
  },
  {
    name: "a quorum is one vote smaller",
    file: "validators.ts",
    find: "  return validators - maximumFaults(validators);",
    replace: "  return validators - maximumFaults(validators) - 1;",
    breaks: ["S10"],
  },
  {
    name: "certificates are believed",
    file: "certificates.ts",
    find: "    if (!verified(signer, signature) && !scheme.verify(signer, message, signature))",
    replace: "    if (!verified(signer, signature) && message.length === 0)",
    breaks: ["S10"],
  },
  {
    name: "votes are believed",
    file: "votes.ts",
    find: "      slot.verified = this.#scheme.verify(signer, message, signature);",
    replace: "      slot.verified = message.length > 0;",
    breaks: ["S10"],
  },
  {
    name: "votes count whatever they are for",
    file: "votes.ts",
    find: "      (slot) => slot !== undefined && sameStatement(slot.vote.statement, statement),",
    replace: "      (slot) => slot !== undefined,",
    breaks: ["S10", "S13"],
  },
  {
    name: "skipped views need no nullification",
    file: "rounds.ts",
    find: "    for (let skipped = parent + 1; skipped < view && missing.length < MISSING_LIMIT; skipped++)",
    replace:
      "    for (let skipped = view; skipped < view && missing.length < MISSING_LIMIT; skipped++)",
    breaks: ["S6", "S5", "S7"],
  },
  {
    name: "own votes are forgotten in a restart, and so is how far they went",
    file: "simplex.ts",
    find: '    else if (fact.type === "own-vote") this.#restoreVote(fact.vote);',
    replace:
      '    else if (fact.type === "own-vote") this.#floors = { notarize: 0, nullify: 0, finalize: 0 };',
    breaks: ["S11", "S11/S19"],
  },
  {
    name: "a lost journal is taken for a new one",
    file: "replay.ts",
    find: "  if (journal.intact && !journalIsStale(journal, facts)) return false;",
    replace: "  return false;",
    breaks: ["S11", "S11/S19", "S12"],
  },
  {
    name: "finalized blocks are applied from the top",
    file: "delivery.ts",
    find: "    return path.reverse();",
    replace: "    return path;",
    breaks: ["S2", "S2/S3", "S3", "S4"],
  },
  {
    name: "a nullified view is never certified",
    file: "simplex.ts",
    find: '    if (round.certify !== "idle" || round.view <= this.rounds.lastFinalized) return;',
    replace:
      '    if (round.certify !== "idle" || round.view <= this.rounds.lastFinalized) return;\n    if (round.own.nullify !== undefined) return;',
    breaks: ["L2"],
  },
  {
    name: "nullify is not sent again",
    file: "simplex.ts",
    find: '    this.#act({ type: "send-vote", vote });\n    const certificate',
    replace: "    const certificate",
    breaks: ["L2"],
  },
  {
    name: "missing certificates are not asked for",
    file: "fetcher.ts",
    find: "      want(`certificates ${view}`, leaderKey(leader));",
    replace: "      void [view, leader, leaderKey];",
    breaks: ["L2"],
  },
  {
    name: "missing blocks are not asked for",
    file: "fetcher.ts",
    find: "      for (const { digest, leader } of tasks.missing())",
    replace: "      for (const { digest, leader } of tasks.missing().slice(0, 0))",
    breaks: ["L2"],
  },
  {
    name: "the views of a pruned journal are kept in memory",
    file: "rounds.ts",
    find: "    for (const known of this.#rounds.keys()) if (known < view) this.#rounds.delete(known);",
    replace: "",
    breaks: ["S18"],
  },
];
