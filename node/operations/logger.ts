import { type Logger, pino, stdTimeFunctions } from "pino";
import type { NodeSettings } from "../formats/configuration.ts";
import { Redactor } from "./redact.ts";

export type { Logger };

export interface Logs {
  readonly logger: Logger;
  readonly redactor: Redactor;
}

/**
 * The log of a node. Every line passes the redactor and is written before the call returns, so
 * that the last words of a crashing process are not lost.
 *
 * @param write takes one line with its line end; standard output unless given
 */
export async function createLogs(
  { logLevel, logFormat }: Pick<NodeSettings, "logLevel" | "logFormat">,
  write: (line: string) => void = writeStandardOutput,
): Promise<Logs> {
  const redactor = new Redactor();
  const pretty = logFormat === "pretty" || (logFormat === "auto" && process.stdout.isTTY);
  const format = pretty ? await prettyFormat() : (line: string) => line;
  const stream = { write: (line: string) => write(format(redactor.redact(line))) };
  const options = {
    level: logLevel,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  return { logger: pino(options, stream), redactor };
}

/** Runs in this thread: a worker would need files of its own beside a bundle. */
async function prettyFormat(): Promise<(line: string) => string> {
  const { prettyFactory } = await import("pino-pretty");
  return prettyFactory({
    colorize: process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
    translateTime: "SYS:HH:MM:ss.l",
  }) as (line: string) => string;
}

function writeStandardOutput(line: string): void {
  process.stdout.write(line);
}
