/** Time for the shell: the system's, or a simulator's. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never runs backwards. */
  now(): number;
  /** Calls back once; the result cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}
