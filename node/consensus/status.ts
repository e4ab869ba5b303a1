/** What consensus shows of itself: a narrow set of hooks for metrics and logs, and a snapshot for the API. */

/** Why a view was given up. */
export type TimeoutReason =
  | "leader-silent"
  | "not-certified"
  | "leader-inactive"
  | "leader-nullified"
  | "build-failed"
  | "invalid-proposal"
  | "certification-failed";

export type VoteName = "notarize" | "nullify" | "finalize";
export type CertificateName = "notarization" | "nullification" | "finalization";

/** Called synchronously and in order; what a hook throws ends the node, so hooks do not throw. */
export interface ConsensusObserver {
  viewEntered?(event: { view: number; leader: number; isLeader: boolean }): void;
  /** The first time a view is given up here. */
  viewTimedOut?(event: { view: number; leader: number; reason: TimeoutReason }): void;
  /** An own block was built; `buildMs` counts the wait for the block interval too. */
  proposed?(event: { view: number; bytes: number; buildMs: number }): void;
  voteSent?(event: { view: number; kind: VoteName }): void;
  /** `formed`: put together here from votes; otherwise received complete. */
  certificate?(event: { view: number; kind: CertificateName; formed: boolean }): void;
  /**
   * A newer view is final. `latencyMs` counts from the moment the proposal was seen here (by its
   * leader: built); undefined when it was never seen.
   */
  viewFinalized?(event: { view: number; latencyMs: number | undefined }): void;
  /** A finalized block was applied by the chain. */
  blockDelivered?(event: { height: number; view: number; bytes: number }): void;
  /** One durable commit of the journal. */
  journaled?(event: { records: number; durationMs: number }): void;
  /** A message was refused. */
  refused?(event: { peer: string; channel: string; reason: string }): void;
  /** A request to another node ended. */
  requested?(event: { kind: "certificate" | "block" | "range"; ok: boolean }): void;
  evidence?(event: { kind: string; signer: string; view: number }): void;
  /** Everything a person may want to read in the log. */
  log?(level: "debug" | "info" | "warn" | "error", message: string, fields: object): void;
}

export interface ValidatorActivity {
  /** 64 lower-case hexadecimal digits. */
  readonly publicKey: string;
  readonly index: number;
  /** Milliseconds since its last vote or certificate; undefined before the first. 0 for this node. */
  readonly lastSeenMs: number | undefined;
  /** Whether the leader heuristic counts it as alive. */
  readonly active: boolean;
}

export interface ConsensusStatus {
  readonly epoch: number;
  readonly view: number;
  readonly lastFinalizedView: number;
  /** Height of the last block the chain applied. */
  readonly deliveredHeight: number;
  /** Index of the leader of the current view among the validators sorted by public key. */
  readonly leader: number;
  readonly isLeader: boolean;
  /**
   * `voting`: a validator that takes part; `observing`: follows without voting (a full node);
   * `recovering`: a validator whose journal was lost, silent until it is safe to vote.
   */
  readonly mode: "voting" | "observing" | "recovering";
  /** How far the current view is, seen from here. */
  readonly phase:
    "waiting-for-proposal" | "proposing" | "verifying" | "voting" | "certifying" | "timed-out";
  /** Blocks are being fetched because the chain here is behind. */
  readonly catchingUp: boolean;
  /** Index of this node, undefined when it is no validator. */
  readonly validatorIndex: number | undefined;
  readonly validatorCount: number;
  readonly quorum: number;
  readonly faultsTolerated: number;
  /** In the order of their indices. */
  readonly validators: readonly ValidatorActivity[];
}
