import { toHex } from "../formats/bytes.ts";
import { peerIdOf } from "../formats/keys.ts";
import { createKeyFile, readKeyFile } from "../operations/node-key.ts";
import { type Command, operand } from "./command.ts";

export const keygen: Command = {
  name: "keygen",
  operands: "<file>",
  summary: "make a key file (mode 0600) and print its public key; or print that of one there is",
  options: {
    show: { type: "boolean", help: "read the file instead of making it" },
    json: { type: "boolean", help: "print JSON" },
  },
  examples: ["guts-node keygen node.key", "guts-node keygen --show node.key --json"],
  run(invocation) {
    const path = operand(keygen, invocation);
    const { publicKey } = invocation.given("show") ? readKeyFile(path) : createKeyFile(path);
    const [key, peerId] = [toHex(publicKey), peerIdOf(publicKey)];
    invocation.output.print(
      invocation.given("json")
        ? JSON.stringify({ file: path, publicKey: key, peerId })
        : `key file    ${path}\npublic key  ${key}\npeer id     ${peerId}`,
    );
    return 0;
  },
};
