/** Why the chain cannot go on: each is a bug, a damaged disk or a broken quorum, never a peer's. */
export type ChainProblem =
  | { readonly code: "height-gap"; readonly got: number; readonly expected: number }
  | {
      readonly code: "conflicting-finalization";
      readonly height: number;
      readonly got: string;
      readonly expected: string;
    }
  | {
      readonly code: "invalid-finalization";
      readonly height: number;
      readonly digest: string;
      readonly reason: string;
    };

export class ChainError extends Error {
  override readonly name = "ChainError";
  readonly problem: ChainProblem;

  constructor(problem: ChainProblem, options?: ErrorOptions) {
    super(describe(problem), options);
    this.problem = problem;
  }
}

function describe(problem: ChainProblem): string {
  switch (problem.code) {
    case "height-gap":
      return `got the finalized block of height ${problem.got}, expected ${problem.expected}`;
    case "conflicting-finalization":
      return (
        `got the finalized block ${problem.got} of height ${problem.height}, ` +
        `but ${problem.expected} was finalized there before: more than a third of the validators broke the rules`
      );
    case "invalid-finalization":
      return `the finalized block ${problem.digest} of height ${problem.height} is not valid here: ${problem.reason}`;
  }
}
