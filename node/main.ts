#!/usr/bin/env node
import { commandLine } from "./cli/command-line.ts";

/** The program `guts-node`. */
const output = {
  print: (text: string) => void process.stdout.write(`${text}\n`),
  complain: (text: string) => void process.stderr.write(`${text}\n`),
};
process.exit(await commandLine(process.argv.slice(2), output, process.env));
