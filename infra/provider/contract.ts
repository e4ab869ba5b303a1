import type { Static, TObject } from "@sinclair/typebox";

/** A resource as the outside sees it: its token, what goes in and what comes out. */
export interface Contract<Inputs extends TObject = TObject, State extends TObject = TObject> {
  /** `guts:index:Name` */
  readonly token: string;
  readonly description: string;
  readonly inputs: Inputs;
  /** All outputs; where a name is an input too, it is the recorded input. */
  readonly state: State;
}

export type InputsOf<C extends Contract> = Static<C["inputs"]>;
export type StateOf<C extends Contract> = Static<C["state"]>;

export function contract<Inputs extends TObject, State extends TObject>(
  value: Contract<Inputs, State>,
): Contract<Inputs, State> {
  return value;
}
