/** The program as the source of a run's events. */
import { AlreadyReported } from "../errors.ts";
import type { Source } from "../steps/run.ts";
import type { Monitor } from "./monitor.ts";
import type { Program } from "./program.ts";

/** A run without a program: nothing is wanted. */
export const NO_PROGRAM: Source = {
  next: () => Promise.resolve(undefined),
  close: () => Promise.resolve(),
};

/** The end of the program counts only once everything it has asked for before is taken. */
export function programSource(monitor: Monitor, program: Program): Source {
  program.release();
  void program.end.then((end) => {
    if (end === "success") monitor.events.close();
    else
      monitor.events.close(
        end === "reported" ? new AlreadyReported("the program failed") : new Error(end.problem),
      );
  });
  return {
    next: () => monitor.events.take(),
    close: async () => {
      monitor.close();
      await program.stop();
    },
  };
}
