import type { Change } from "./differences.ts";
import type { InputProblem } from "./errors.ts";
import type { Contract, InputsOf, StateOf } from "./contract.ts";

/** What a handler gets besides values: where things are, how to report, when to stop. */
export interface Context {
  /** Absolute path of the directory under which everything local lives. */
  readonly home: string;
  /** Logical name of the resource in the program. */
  readonly name: string;
  /** Aborted when the engine cancels the operation. */
  readonly signal: AbortSignal;
  /** A line for the user that stays. */
  info(message: string): void;
  warn(message: string): void;
  /** What is going on right now; the next one takes its place. */
  progress(message: string): void;
}

export interface Recorded<Inputs, State> {
  readonly id: string;
  readonly inputs: Inputs;
  readonly state: State;
}

export interface Difference {
  readonly changes: readonly Change[];
  /** When replacing: delete the old one before the new one is made. */
  readonly deleteBeforeReplace?: boolean;
}

export interface Made<State> {
  readonly id: string;
  readonly state: State;
}

export interface Found<Inputs, State> {
  readonly state: State;
  /** Set when it also knows what would have been asked for. */
  readonly inputs?: Inputs;
}

/**
 * The life of one kind of resource, on plain values. In a preview an input that is not known yet is
 * the text `UNKNOWN` of wire.ts, and an output left out counts as not known.
 */
export interface Handler<C extends Contract = Contract, I = InputsOf<C>, S = StateOf<C>> {
  readonly contract: C;
  /** Adds inputs that are computed, such as the hash of source files. Runs before `check`. */
  complete?(inputs: I, context: Context): Promise<I>;
  /** Mistakes that the schema cannot see. `old` is absent when the resource is new or replaced. */
  check?(inputs: I, old: I | undefined): InputProblem[];
  diff(old: Recorded<I, S>, inputs: I, context: Context): Difference;
  /** What `create` will make, as far as it is known; changes nothing. */
  planCreate(inputs: I, context: Context): Promise<Partial<S>>;
  create(inputs: I, context: Context): Promise<Made<S>>;
  /** What is there now; undefined when it is gone. */
  read(old: Recorded<I, S>, context: Context): Promise<Found<I, S> | undefined>;
  planUpdate(old: Recorded<I, S>, inputs: I, context: Context): Promise<Partial<S>>;
  update(old: Recorded<I, S>, inputs: I, context: Context): Promise<S>;
  delete(old: Recorded<I, S>, context: Context): Promise<void>;
}
