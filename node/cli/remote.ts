import { type Command, type Invocation } from "./command.ts";
import { textTable } from "./output.ts";

const TIMEOUT_MS = 5000;
const options = {
  api: {
    type: "string",
    default: "http://127.0.0.1:8080",
    help: "the public API of the node to ask",
  },
  json: { type: "boolean", help: "print the answer as it is" },
} as const;

interface Status {
  readonly chain_id: string;
  readonly genesis_hash: string;
  readonly role: string;
  readonly state: string;
  readonly finalized_height: number;
  readonly last_block_id: string;
  readonly last_block_time: string;
  readonly view: number;
  readonly phase: string;
  readonly synced: boolean;
  readonly peers_count: number;
  readonly validators_count: number;
  readonly quorum: number;
  readonly mempool_size: number;
  readonly node_version: string;
  readonly protocol_version: number;
}

const status: Command = {
  name: "status",
  operands: "",
  summary: "ask a running node where its chain stands; exit 1 when it is not ready",
  options,
  examples: ["guts-node status", "guts-node status --api http://127.0.0.1:8081"],
  async run(invocation) {
    const answer = (await ask(invocation, "/api/consensus/status")) as Status;
    const health = (await ask(invocation, "/health/ready")) as {
      status: string;
      reasons: string[];
    };
    const ready = health.status === "up";
    if (invocation.given("json"))
      invocation.output.print(JSON.stringify({ ...answer, ready, reasons: health.reasons }));
    else
      invocation.output.print(
        textTable([
          ["chain", `${answer.chain_id}, genesis ${answer.genesis_hash}`],
          ["node", `guts-node ${answer.node_version}, ${answer.role}, ${answer.state}`],
          ["height", `${answer.finalized_height}, at ${answer.last_block_time}`],
          ["block", answer.last_block_id],
          ["view", `${answer.view}, ${answer.phase}`],
          ["peers", `${answer.peers_count}`],
          ["validators", `${answer.validators_count}, ${answer.quorum} decide`],
          ["mempool", `${answer.mempool_size}`],
          ["ready", ready ? "yes" : `no: ${health.reasons.join("; ")}`],
        ]),
      );
    return ready ? 0 : 1;
  },
};

interface Peer {
  readonly name: string | null;
  readonly peer_id: string;
  readonly role: string;
  readonly transport: string;
  readonly direction: string;
  readonly height: number;
  readonly round_trip_ms: number | null;
  readonly node_version: string;
}

const peers: Command = {
  name: "peers",
  operands: "",
  summary: "list the peers of a running node",
  options,
  examples: ["guts-node peers --api http://127.0.0.1:8081"],
  async run(invocation) {
    const answer = (await ask(invocation, "/api/peers")) as Peer[];
    const rows = answer.map((peer) => [
      peer.name ?? peer.peer_id,
      peer.role,
      `${peer.transport} ${peer.direction}`,
      String(peer.height),
      peer.round_trip_ms === null ? "-" : `${peer.round_trip_ms.toFixed(1)} ms`,
      peer.node_version,
    ]);
    invocation.output.print(
      invocation.given("json")
        ? JSON.stringify(answer)
        : textTable([["PEER", "ROLE", "TRANSPORT", "HEIGHT", "ROUND TRIP", "VERSION"], ...rows]),
    );
    return 0;
  },
};

/** The node that was asked is not there: exit code 1, as for one that is not ready. */
class Unreachable extends Error {}

/** Runs a command that asks a node. */
function asking(command: Command): Command {
  return {
    ...command,
    async run(invocation, args) {
      try {
        return await command.run(invocation, args);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        invocation.output.complain(`guts-node: ${error.message}`);
        return 1;
      }
    },
  };
}

async function ask(invocation: Invocation, path: string): Promise<unknown> {
  const url = `${invocation.required("api").replace(/\/$/, "")}${path}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.ok || response.status === 503) return await response.json();
    throw new Error(`got status ${response.status}`);
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error && cause.message ? cause.message : message;
    throw new Unreachable(`${url} does not answer: ${reason}; is the node running?`);
  }
}

export const remoteCommands: readonly Command[] = [status, peers].map(asking);
