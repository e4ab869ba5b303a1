import { type Static, Type } from "@sinclair/typebox";
import { choice, closed, forms, integer, list, text } from "./fields.ts";

/** Every kind of place a node can live in, in this version or a later one. */
export const siteKinds = ["local", "ssh", "aws", "gcp", "azure", "kubernetes"] as const;

export type SiteKind = (typeof siteKinds)[number];

/** The kinds this version has a site for. */
export const availableKinds: readonly SiteKind[] = ["local"];

const name = text(forms.siteName, {
  description:
    "Name of the site. The names of its nodes begin with it, so a new name makes new nodes.",
  examples: ["virginia"],
});

const counts = {
  validators: integer(0, 100, {
    description: "How many validators run here. A change makes a new chain.",
    examples: [4],
  }),
  fullNodes: integer(0, 100, {
    description:
      "How many full nodes run here: they keep and serve everything and have no vote. Their number may change at any time.",
    default: 0,
    examples: [1],
  }),
};

/** Fields that mean the same in every kind of site. */
export const commonFields = { name, ...counts };

const diskGiB = integer(10, 16_384, {
  description: "Size of the data disk of each node: repositories, chain and votes.",
  default: 50,
  examples: [200],
});

const machineType = Type.Optional(
  text(forms.cloudName, {
    description: "Machine type of each node, by the cloud's own name.",
    "x-default": "the cheapest type with 2 virtual processors and 8 GiB of memory",
    examples: ["m7i.large"],
  }),
);

const zonesOf = (form: typeof forms.zoneLetter | typeof forms.zoneNumber, examples: string[]) =>
  Type.Optional(
    list(text(form, { description: "One zone.", examples: examples.slice(0, 1) }), [1, 6], {
      description: "Zones of the region; the validators are spread over them in this order.",
      "x-default": "every zone of the region, in alphabetical order",
      examples: [examples],
    }),
  );

const port = (description: string, first: number) =>
  integer(1024, 65_535, { description, default: first, examples: [first + 100] });

export const localSchema = Type.Object(
  {
    name,
    kind: Type.Literal("local", { description: "Processes on this machine, on loopback only." }),
    ...counts,
    ports: Type.Object(
      {
        api: port(
          "Port of the HTTP API of the first node; every further node takes the next.",
          8080,
        ),
        p2p: port(
          "Port for peers of the first node, TCP and UDP; every further node takes the next.",
          9000,
        ),
        internal: port(
          "Port for metrics and health of the first node; every further node takes the next.",
          9200,
        ),
      },
      {
        ...closed,
        default: {},
        description:
          "First port of each range. Validators come first and full nodes after them, so that a new full node moves no validator.",
        examples: [{ api: 8180, p2p: 9100, internal: 9300 }],
      },
    ),
  },
  { ...closed, description: "Nodes as processes on this machine, for trying out and developing." },
);

const hostSchema = Type.Object(
  {
    address: text(forms.host, {
      description: "Host name or IP address of the machine.",
      examples: ["203.0.113.10"],
    }),
    user: text(forms.userName, {
      description: "User to log in as; it must be root or may use sudo without a password.",
      default: "root",
      examples: ["ops"],
    }),
    port: integer(1, 65_535, {
      description: "Port of the SSH server.",
      default: 22,
      examples: [2222],
    }),
    hostKey: Type.Optional(
      text(forms.hostKey, {
        description: "Public key of the SSH server, so that no other machine can take its place.",
        "x-default": "no connection is made, and the message shows the key that was offered",
        examples: [
          "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Q0sTz0mQyYdXhJmYd5nqSL0o3pJvVbBq9c0m1bXyz",
        ],
      }),
    ),
  },
  { ...closed, description: "One machine.", examples: [{ address: "203.0.113.10", user: "ops" }] },
);

const sshSchema = Type.Object(
  {
    name,
    kind: Type.Literal("ssh", { description: "Your own machines, reached over SSH." }),
    ...counts,
    hosts: list(hostSchema, [1, 200], {
      description: "The machines, one node on each: validators first, then full nodes.",
      examples: [[{ address: "203.0.113.10", user: "ops" }]],
    }),
  },
  { ...closed, description: "Nodes as systemd units on machines you already have." },
);

const awsSchema = Type.Object(
  {
    name,
    kind: Type.Literal("aws", { description: "Amazon Web Services." }),
    ...counts,
    region: text(forms.cloudName, { description: "Region.", examples: ["us-east-1"] }),
    zones: zonesOf(forms.zoneLetter, ["a", "b"]),
    machineType,
    diskGiB,
  },
  { ...closed, description: "Nodes on EC2 instances in one region of Amazon Web Services." },
);

const gcpSchema = Type.Object(
  {
    name,
    kind: Type.Literal("gcp", { description: "Google Cloud." }),
    ...counts,
    region: text(forms.cloudName, { description: "Region.", examples: ["europe-west1"] }),
    zones: zonesOf(forms.zoneLetter, ["b", "c"]),
    project: Type.Optional(
      text(forms.cloudName, {
        description: "Project that owns everything.",
        "x-default": "the project of the credentials",
        examples: ["guts-testnet"],
      }),
    ),
    machineType,
    diskGiB,
  },
  { ...closed, description: "Nodes on Compute Engine instances in one region of Google Cloud." },
);

const azureSchema = Type.Object(
  {
    name,
    kind: Type.Literal("azure", { description: "Microsoft Azure." }),
    ...counts,
    region: text(forms.cloudName, { description: "Region.", examples: ["southeastasia"] }),
    zones: zonesOf(forms.zoneNumber, ["1", "2"]),
    subscription: Type.Optional(
      text(forms.uuid, {
        description: "Subscription that owns everything.",
        "x-default": "the subscription of the credentials",
        examples: ["0b1f6471-1bf0-4dda-aec3-cb9272f09590"],
      }),
    ),
    machineType,
    diskGiB,
  },
  { ...closed, description: "Nodes on virtual machines in one region of Microsoft Azure." },
);

const kubernetesSchema = Type.Object(
  {
    name,
    kind: Type.Literal("kubernetes", { description: "A Kubernetes cluster." }),
    ...counts,
    context: Type.Optional(
      text(forms.cloudName, {
        description: "Context of the kubeconfig that reaches the cluster.",
        "x-default": "the current context",
        examples: ["staging"],
      }),
    ),
    namespace: text(forms.kubernetesName, {
      description: "Namespace of everything the site makes.",
      default: "guts",
      examples: ["guts-staging"],
    }),
    exposure: choice(["load-balancer", "node-port", "host-network"], {
      description: "How peers outside of the cluster reach a node.",
      default: "load-balancer",
      examples: ["node-port"],
    }),
    storageClass: Type.Optional(
      text(forms.kubernetesName, {
        description: "Storage class of the data volumes.",
        "x-default": "the default class of the cluster",
        examples: ["fast-ssd"],
      }),
    ),
    diskGiB,
  },
  { ...closed, description: "Nodes as pods of a Kubernetes cluster, one volume each." },
);

/** One entry of `sites`; `kind` decides which fields there are. */
export const siteSchema = Type.Union(
  [localSchema, sshSchema, awsSchema, gcpSchema, azureSchema, kubernetesSchema],
  { description: "A place where nodes live." },
);

export type SiteDescription = Static<typeof siteSchema>;
export type LocalSiteDescription = Static<typeof localSchema>;
