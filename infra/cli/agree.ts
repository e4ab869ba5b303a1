import { type Call, UsageError } from "./command.ts";

/**
 * Whether the user wants it: `--yes` says so, a terminal can be asked.
 *
 * @throws UsageError when nobody can be asked
 */
export async function agreed({ options, terminal }: Call, question: string): Promise<boolean> {
  if (options.flag("yes")) return true;
  if (!terminal.interactive)
    throw new UsageError("this is no terminal, so nobody can be asked: give --yes to go ahead");
  const answer = await terminal.confirm(question);
  if (!answer) terminal.note("nothing was changed");
  return answer;
}
