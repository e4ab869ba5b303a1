import { nodeVersion } from "../formats/release.ts";
import type { Command } from "./command.ts";

export const version: Command = {
  name: "version",
  operands: "",
  summary: "print the version of the node",
  options: { json: { type: "boolean", help: "print JSON" } },
  examples: ["guts-node version", "guts-node version --json"],
  run({ output, given }) {
    const { node, protocol, dataFormat } = nodeVersion;
    const facts = {
      name: "guts-node",
      version: node,
      protocol,
      dataFormat,
      runtime: process.version,
      platform: `${process.platform}-${process.arch}`,
    };
    output.print(
      given("json")
        ? JSON.stringify(facts)
        : `guts-node ${node}, protocol ${protocol}, data format ${dataFormat}, Node.js ${process.version}`,
    );
    return 0;
  },
};
