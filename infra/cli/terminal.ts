import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";

export type Style = "bold" | "dim" | "green" | "yellow" | "red";

/** Of a pipe or a file, which has no width of its own. */
const DEFAULT_WIDTH = 120;

/** Where a command writes and asks. */
export interface Terminal {
  /** Whether somebody can answer a question. */
  readonly interactive: boolean;
  /** Characters per line. */
  readonly width: number;
  /** Whether more than ASCII may be written. */
  readonly unicode: boolean;
  /** A line of the result, to standard output. */
  line(text?: string): void;
  /** A line about what goes on, to standard error. */
  note(text: string): void;
  /** The text in a style if standard output is a terminal that shows it. */
  style(style: Style, text: string): string;
  /** Asks a question that is answered by y or n; anything but y or yes is no. */
  confirm(question: string): Promise<boolean>;
}

/** The terminal, pipe or file this process was started with. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  const { LC_ALL, LC_CTYPE, LANG } = process.env;
  return {
    width: stdout.columns ?? DEFAULT_WIDTH,
    unicode: /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || ""),
    interactive: stdin.isTTY === true && stdout.isTTY === true,
    line: (text = "") => void stdout.write(`${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    style: (style, text) => styleText(style, text, { stream: stdout }),
    confirm: async (question) => {
      const prompt = createInterface({ input: stdin, output: stdout });
      try {
        const answer = await prompt.question(`${question} [y/N] `);
        return /^y(es)?$/i.test(answer.trim());
      } finally {
        prompt.close();
      }
    },
  };
}
