import { certificateProblem } from "./certificates.ts";
import { type Certificate, decodeCertificate } from "./messages.ts";
import { floorsAfterRestart } from "./permissions.ts";
import type { Application, Journal } from "./ports.ts";
import { decodeFact, type DurableFact, encodeFact } from "./records.ts";
import { checkRecoverable, journalIsStale } from "./recovery.ts";
import type { SignatureScheme, Signer } from "./scheme.ts";
import { Simplex } from "./simplex.ts";
import type { Timing } from "./timers.ts";
import type { ValidatorSet } from "./validators.ts";

export interface ReplayOptions {
  readonly validators: ValidatorSet;
  readonly scheme: SignatureScheme;
  readonly timing: Timing;
  readonly application: Application;
  readonly journal: Journal;
  readonly self: { readonly index: number; readonly sign: Signer } | undefined;
  readonly now: number;
}

/**
 * The state machine as it was before the node ended. First the finalization that the chain was left
 * with, since the chain may be ahead of the journal; then the journal in its order.
 *
 * @throws DecodeError when the journal is damaged
 * @throws JournalLostError when it is missing and the set is too small to recover in
 */
export function replaySimplex(options: ReplayOptions): Simplex {
  const { validators, scheme, timing, application, journal, self, now } = options;
  const facts = [...journal.replay()].map((bytes) => decodeFact(bytes, validators.size));
  const silent = self !== undefined && mustBeSilent(options, facts);
  const simplex = new Simplex({
    validators,
    scheme,
    timing,
    genesisDigest: application.genesisDigest,
    self,
    floors: floorsAfterRestart(journal.highestSigned),
    silent: false,
    now,
  });
  const floor = chainFloor(options);
  if (floor !== undefined) simplex.restore({ type: "certificate", certificate: floor });
  for (const fact of facts) simplex.restore(fact);
  if (silent) simplex.restore({ type: "silent" });
  return simplex;
}

/** Decides it and makes it durable, so that a second restart cannot forget it. */
function mustBeSilent(options: ReplayOptions, facts: readonly DurableFact[]): boolean {
  const { journal, validators } = options;
  const last = facts.findLast(({ type }) => type === "silent" || type === "vote-above");
  if (last?.type === "silent") return true;
  if (journal.intact && !journalIsStale(journal, facts)) return false;
  checkRecoverable(validators);
  journal.append([encodeFact({ type: "silent" })]);
  return true;
}

function chainFloor(options: ReplayOptions): Certificate | undefined {
  const { application, validators, scheme } = options;
  const block = application.readFinalized(application.applied.height);
  if (block === undefined || application.applied.height === 0) return undefined;
  const certificate = decodeCertificate(block.certificate, validators.size);
  const problem = certificateProblem(certificate, validators, scheme);
  if (problem !== undefined)
    throw new Error(
      `the certificate of the applied block at height ${application.applied.height} is not valid: ${problem}; restore the data directory`,
    );
  return certificate;
}
