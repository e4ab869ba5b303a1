/** Events as JSON lines, for machines. */
import type { Display } from "../cli/operate.ts";

export function jsonDisplay(): Display {
  return {
    begin: () => undefined,
    event: (event) => void process.stdout.write(`${JSON.stringify(event)}\n`),
    print: (message, stream) =>
      void process.stdout.write(
        `${JSON.stringify({ timestamp: Math.floor(Date.now() / 1000), stdoutEvent: { message: `${message}\n`, stream, color: "never" } })}\n`,
      ),
    end: () => undefined,
  };
}
