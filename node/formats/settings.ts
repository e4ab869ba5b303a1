/** How one setting is written down; the value's type follows from `type`. */
export interface SettingDefinition {
  /** The flag is `--<name>`, the key in a configuration file `<name>`. */
  readonly name: string;
  readonly type: "address" | "boolean" | "choice" | "duration" | "integer" | "list" | "text";
  readonly group: "addresses" | "identity" | "chain" | "limits" | "logs";
  /** Absent: the setting has no value unless it is given. Durations are in milliseconds. */
  readonly default?: string | number | boolean | readonly string[];
  /** Allowed values of a `choice`. */
  readonly choices?: readonly string[];
  /** Bounds of an `integer` and, in milliseconds, of a `duration`. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** Allowed form of a `text`, and its description for the error message. */
  readonly pattern?: { readonly expression: RegExp; readonly meaning: string };
  /** Never printed, logged or written to a file. */
  readonly secret?: true;
  readonly help: string;
  /** A value as it is written on the command line. */
  readonly example: string;
}

const hexKey = { expression: /^[0-9a-f]{64}$/, meaning: "64 lower-case hexadecimal digits" };

/** Every setting of `guts-node`: flags, environment, configuration file and reference come from here. */
export const settings = [
  {
    name: "api-addr",
    type: "address",
    group: "addresses",
    default: "127.0.0.1:8080",
    help: "where the public HTTP API and the dashboard listen",
    example: "0.0.0.0:8080",
  },
  {
    name: "internal-addr",
    type: "address",
    group: "addresses",
    default: "127.0.0.1:9090",
    help: "where metrics and health listen; loopback or a private address unless internal-addr-public is set",
    example: "10.0.0.5:9090",
  },
  {
    name: "internal-addr-public",
    type: "boolean",
    group: "addresses",
    default: false,
    help: "allow an internal-addr that other networks may reach",
    example: "true",
  },
  {
    name: "p2p-addr",
    type: "address",
    group: "addresses",
    default: "0.0.0.0:9000",
    help: "where peers connect: TCP, and QUIC on the same UDP port",
    example: "0.0.0.0:9000",
  },
  {
    name: "p2p-quic",
    type: "boolean",
    group: "addresses",
    default: true,
    help: "listen and dial with QUIC as well as TCP",
    example: "false",
  },
  {
    name: "p2p-announce",
    type: "text",
    group: "addresses",
    help: "the address other nodes should dial, as host:port or multiaddr",
    example: "node-1.example.org:9000",
  },
  {
    name: "bootstrap",
    type: "list",
    group: "addresses",
    default: [],
    help: "a peer to start from, <public key or peer id>@host:port or a multiaddr with /p2p/; repeatable",
    example: "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X@203.0.113.7:9000",
  },
  {
    name: "data-dir",
    type: "text",
    group: "identity",
    default: "./data",
    help: "where the chain, the votes and the key are kept; used by one process at a time",
    example: "/var/lib/guts",
  },
  {
    name: "private-key-file",
    type: "text",
    group: "identity",
    help: "file with the node's Ed25519 seed, mode 0600 or stricter; default: node.key in data-dir, made on first run by a full node",
    example: "/etc/guts/node.key",
  },
  {
    name: "key-source",
    type: "text",
    group: "identity",
    pattern: {
      expression: /^(file:.+|systemd:[\w.-]+)$/,
      meaning: "file:<path> or systemd:<credential name>",
    },
    help: "where the node's key comes from: file:<path> or systemd:<credential name>",
    example: "systemd:node-key",
  },
  {
    name: "private-key",
    type: "text",
    group: "identity",
    pattern: hexKey,
    secret: true,
    help: "the node's Ed25519 seed itself; other users of the machine can read process arguments, so prefer private-key-file; refused on a mainnet",
    example: "<64 hexadecimal digits>",
  },
  {
    name: "genesis-file",
    type: "text",
    group: "chain",
    help: "the genesis of the chain to join; needed for the first start, then kept in data-dir",
    example: "genesis.json",
  },
  {
    name: "genesis-url",
    type: "text",
    group: "chain",
    pattern: { expression: /^https?:\/\/\S+$/, meaning: "an http or https URL" },
    help: "where a full node fetches the genesis on its first start; needs genesis-hash",
    example: "https://example.org/genesis.json",
  },
  {
    name: "genesis-hash",
    type: "text",
    group: "chain",
    pattern: hexKey,
    help: "the hash the genesis must have, from guts-node genesis hash",
    example: "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab",
  },
  {
    name: "consensus-enabled",
    type: "boolean",
    group: "chain",
    default: false,
    help: "take part in consensus as a validator of the genesis; without it the node follows the chain",
    example: "true",
  },
  {
    name: "consensus-use-simplex-bft",
    type: "boolean",
    group: "chain",
    default: true,
    help: "Simplex BFT is the only consensus engine, so false is refused",
    example: "true",
  },
  {
    name: "block-time",
    type: "duration",
    group: "chain",
    minimum: 50,
    maximum: 600_000,
    help: "may only repeat the block interval of the genesis, which is the same on all nodes",
    example: "2s",
  },
  {
    name: "open-writes",
    type: "choice",
    group: "chain",
    choices: ["off", "loopback"],
    default: "off",
    help: "loopback: on a devnet, requests from this machine may write without an account; needs a loopback api-addr and devnet-account-key-file",
    example: "loopback",
  },
  {
    name: "devnet-account-key-file",
    type: "text",
    group: "chain",
    help: "file with the key of the genesis account of role devnet, which signs open writes",
    example: "devnet-account.key",
  },
  {
    name: "ready-max-lag",
    type: "integer",
    group: "limits",
    default: 10,
    minimum: 1,
    maximum: 1_000_000,
    help: "blocks a node may be behind its peers and still call itself ready",
    example: "10",
  },
  {
    name: "max-body-bytes",
    type: "integer",
    group: "limits",
    default: 1_048_576,
    minimum: 1024,
    maximum: 67_108_864,
    help: "largest body of an API request",
    example: "1048576",
  },
  {
    name: "rate-limit",
    type: "integer",
    group: "limits",
    default: 100,
    minimum: 0,
    maximum: 1_000_000,
    help: "API requests per second and client address, over ten seconds; 0 turns the limit off; loopback clients are not limited",
    example: "100",
  },
  {
    name: "max-connections",
    type: "integer",
    group: "limits",
    default: 1024,
    minimum: 1,
    maximum: 65_535,
    help: "API connections open at the same time",
    example: "1024",
  },
  {
    name: "request-timeout",
    type: "duration",
    group: "limits",
    default: 30_000,
    minimum: 1000,
    maximum: 600_000,
    help: "time a client may take to send a request",
    example: "30s",
  },
  {
    name: "write-timeout",
    type: "duration",
    group: "limits",
    default: 30_000,
    minimum: 1000,
    maximum: 600_000,
    help: "time an answer waits for the finalization of a write before it names the transaction instead",
    example: "30s",
  },
  {
    name: "max-event-streams",
    type: "integer",
    group: "limits",
    default: 64,
    minimum: 0,
    maximum: 10_000,
    help: "streams of /api/events open at the same time",
    example: "64",
  },
  {
    name: "log-level",
    type: "choice",
    group: "logs",
    choices: ["fatal", "error", "warn", "info", "debug", "trace"],
    default: "info",
    help: "least severity that is logged",
    example: "debug",
  },
  {
    name: "log-format",
    type: "choice",
    group: "logs",
    choices: ["auto", "json", "pretty"],
    default: "auto",
    help: "auto is pretty on a terminal and one JSON object per line elsewhere",
    example: "json",
  },
] as const satisfies readonly SettingDefinition[];
