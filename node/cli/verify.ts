import { type CertifiedBlock, VerificationError, verifyChain } from "../chain/verify.ts";
import { CertificateError, FinalizationVerifier } from "../consensus/certificates.ts";
import { equalBytes, toHex } from "../formats/bytes.ts";
import { exitCodes } from "../operations/exit.ts";
import { openStoredChain } from "../storage/open.ts";
import { type Command, operand } from "./command.ts";
import { genesisOf, genesisOption } from "./data-directory.ts";

const REPORT_EVERY = 10_000;

export const verify: Command = {
  name: "verify",
  operands: "<data-dir>",
  summary:
    "check every block, certificate, signature and state root from genesis on, and the stored state; exit 3 when one is wrong",
  options: genesisOption,
  examples: ["guts-node verify /var/lib/guts"],
  async run(invocation) {
    const directory = operand(verify, invocation);
    const genesis = genesisOf(directory, invocation);
    using stored = openStoredChain(directory);
    const verifier = new FinalizationVerifier(
      genesis.validators.map(({ publicKey }) => publicKey),
      stored.genesisHash,
    );
    try {
      const { height, digest, stateRoot, transactions } = await verifyChain({
        store: stored.chain,
        genesis,
        verifyCertificate: (certificate, block) => certificateProblem(verifier, certificate, block),
        onProgress: (at) => {
          if (at % REPORT_EVERY === 0) invocation.output.complain(`block ${at}`);
        },
      });
      invocation.output.print(
        `${height} blocks with ${transactions} transactions are valid\nlast block  ${digest}\nstate root  ${stateRoot}`,
      );
      return 0;
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      invocation.output.complain(`guts-node: ${directory}: ${error.message}`);
      return exitCodes.dataDirectory;
    }
  },
};

/** What is wrong with a certificate as a proof of that block, if anything. */
function certificateProblem(
  verifier: FinalizationVerifier,
  certificate: Uint8Array,
  block: CertifiedBlock,
): string | undefined {
  try {
    const certified = verifier.verify(certificate);
    if (!equalBytes(certified.payload, block.digest))
      return `its certificate is for ${toHex(certified.payload)}`;
    for (const name of ["epoch", "view", "parentView"] as const)
      if (certified[name] !== block[name])
        return `its certificate has the ${name} ${certified[name]}, the block ${block[name]}`;
    return undefined;
  } catch (error) {
    if (error instanceof CertificateError) return `its certificate: ${error.message}`;
    throw error;
  }
}
