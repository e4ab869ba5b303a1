import { type Static, Type } from "@sinclair/typebox";
import { choice, closed, forms, integer, list, text } from "./fields.ts";
import { siteSchema } from "./sites.ts";

const duration = (description: string, defaultText: string, example: string) =>
  Type.Optional(
    text(forms.duration, { description, "x-default": defaultText, examples: [example] }),
  );

const consensusSchema = Type.Object(
  {
    blockInterval: text(forms.duration, {
      description: "Time between two blocks, 50ms to 1m.",
      default: "2s",
      examples: ["500ms"],
    }),
    leaderTimeout: duration(
      "A leader that has proposed nothing for this long is passed over. More than blockInterval, at most 10m.",
      "blockInterval and 500ms on a devnet, blockInterval and 1s elsewhere",
      "3s",
    ),
    certificationTimeout: duration(
      "A block that is not certified after this long is passed over. More than leaderTimeout, at most 10m.",
      "leaderTimeout and 500ms on a devnet, leaderTimeout and 1s elsewhere",
      "4s",
    ),
    nullifyRetry: duration(
      "Time between two sendings of the vote to pass a leader over, 100ms to 10m.",
      "1s",
      "500ms",
    ),
    maxBlockBytes: integer(65_536, 4_128_768, {
      description:
        "Largest block, in bytes. Together with its envelope it fits a message of 4 MiB.",
      default: 1_048_576,
      examples: [2_097_152],
    }),
    maxBlockTransactions: integer(1, 65_535, {
      description: "Most transactions in one block.",
      default: 4096,
      examples: [1000],
    }),
  },
  {
    ...closed,
    default: {},
    description:
      "Timing and size of blocks. They are part of the genesis: a change makes a new chain.",
    examples: [{ blockInterval: "500ms" }],
  },
);

const externalSchema = Type.Object(
  {
    name: text(forms.chainId, {
      description: "Name of the validator in the genesis.",
      examples: ["acme"],
    }),
    publicKey: text(forms.publicKey, {
      description: "Its Ed25519 public key.",
      examples: ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"],
    }),
    p2pAddress: text(forms.multiaddr, {
      description: "Where its peers reach it.",
      examples: ["/dns4/validator.acme.example/tcp/9000"],
    }),
  },
  { ...closed, description: "One validator that another organisation runs." },
);

const ranges = (description: string, examples: readonly (readonly string[])[]) =>
  list(
    text(forms.cidr, { description: "One address range.", examples: ["203.0.113.0/24"] }),
    [0, 64],
    { description, default: [], examples },
  );

export const purposes = ["devnet", "testnet", "mainnet"] as const;

export type Purpose = (typeof purposes)[number];

/**
 * The value of `guts:network` in a stack file. From this one schema come the type, the validation with
 * its defaults, the JSON Schema for editors and the reference page.
 */
export const networkSchema = Type.Object(
  {
    chainId: text(forms.chainId, {
      description: "Name of the chain, known to every node. Another name is another chain.",
      examples: ["guts-testnet-7"],
    }),
    purpose: choice(purposes, {
      description:
        "What the network is for. It decides which node versions may join and how strict the rules are: a devnet may run on one machine, a mainnet must survive the loss of any place.",
      examples: ["devnet"],
    }),
    sites: Type.Array(siteSchema, {
      minItems: 1,
      maxItems: 50,
      description: "The places where nodes live. The order has no meaning to the network.",
      examples: [[{ name: "local", kind: "local", validators: 4 }]],
    }),
    external: list(externalSchema, [0, 100], {
      description: "Validators run by other organisations; their private keys stay with them.",
      default: [],
      examples: [
        [
          {
            name: "acme",
            publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            p2pAddress: "/dns4/validator.acme.example/tcp/9000",
          },
        ],
      ],
    }),
    access: Type.Object(
      {
        api: ranges("Who may use the public HTTP API. Nodes of a local site serve loopback only.", [
          ["0.0.0.0/0"],
        ]),
        admin: ranges(
          "Who, besides the network's own nodes, may reach metrics and administration. Never the whole internet.",
          [["198.51.100.7/32"]],
        ),
      },
      {
        ...closed,
        default: {},
        description: "Who may reach the nodes, as address ranges. What is not listed is closed.",
        examples: [{ api: ["0.0.0.0/0"], admin: ["198.51.100.7/32"] }],
      },
    ),
    consensus: consensusSchema,
    budget: Type.Optional(
      Type.Object(
        {
          monthlyUsd: Type.Optional(
            integer(0, 10_000_000, {
              description: "What the network may cost per month, in US dollars; more is a warning.",
              "x-default": "no limit",
              examples: [900],
            }),
          ),
          expires: Type.Optional(
            text(forms.date, {
              description:
                "Day after which the network should be gone; a day in the past is refused.",
              "x-default": "the network does not expire",
              examples: ["2027-01-31"],
            }),
          ),
        },
        {
          ...closed,
          description: "Limits in money and time.",
          "x-default": "no limit",
          examples: [{ monthlyUsd: 900, expires: "2027-01-31" }],
        },
      ),
    ),
    reset: Type.Boolean({
      description:
        "Whether a change of the genesis may start a new chain. The old chain ends: its blocks and repositories are left behind.",
      default: false,
      examples: [true],
    }),
  },
  { ...closed, description: "A validator network." },
);

/** A network description whose defaults are filled in and whose rules hold. */
export type Network = Static<typeof networkSchema>;
