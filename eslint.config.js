import js from "@eslint/js";
import { importX } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

/** Which room may not import which others; everything else in the same half of the house is allowed. */
const arrows = [
  // The node knows nothing of the provisioner, and the provisioner only the node's file formats.
  { target: "./node", from: ["./infra", "./test"] },
  { target: "./infra", from: ["./node", "./test"], except: ["./formats"] },
  // Formats stand on nothing.
  { target: "./node/formats", from: "./node", except: ["./formats"] },
  // Consensus is handed its shell; network and storage carry bytes.
  { target: "./node/consensus", from: "./node", except: ["./formats", "./consensus"] },
  { target: "./node/network", from: "./node", except: ["./formats", "./network"] },
  { target: "./node/storage", from: "./node", except: ["./formats", "./storage", "./consensus"] },
  {
    target: "./node/chain",
    from: "./node",
    except: ["./formats", "./chain", "./storage", "./consensus"],
  },
  { target: "./node/operations", from: ["./node/api", "./node/cli", "./node/main.ts"] },
  { target: "./node/api", from: ["./node/cli", "./node/main.ts"] },
  // infra: cli -> engine, index -> sites -> provider; plan reads topology, sites read plan.
  { target: "./infra/topology", from: "./infra", except: ["./topology"] },
  { target: "./infra/plan", from: "./infra", except: ["./topology", "./plan"] },
  { target: "./infra/provider", from: "./infra", except: ["./provider"] },
  { target: "./infra/engine", from: ["./infra", "./node"], except: ["./engine"] },
  { target: "./infra/sites", from: ["./infra/cli", "./infra/engine", "./infra/index.ts"] },
  { target: "./infra/cli", from: ["./infra/sites", "./infra/index.ts"] },
];

/** One zone each; `except` is relative to `from`. */
const zones = arrows.flatMap(({ target, from, except }) =>
  [from].flat().map((source) => ({
    target,
    from: source,
    ...(except && { except }),
    message: "this arrow is against the architecture, see docs/architecture.md",
  })),
);

const barrels = ["aws", "gcp", "azure-native", "kubernetes", "azuread", "random", "tls"].map(
  (name) => ({
    name: `@pulumi/${name}`,
    message: "import the service, such as @pulumi/aws/ec2/index.js: barrels cost seconds",
  }),
);
const impure = ["@pulumi/*", "node:fs", "node:fs/*", "node:net", "node:http", "node:child_process"];

export default tseslint.config(
  { ignores: ["**/node_modules", ".guts", "test/fixtures"] },
  js.configs.recommended,
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: {
      globals: {
        console: "readonly",
        process: "readonly",
        setTimeout: "readonly",
        URL: "readonly",
      },
    },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { "import-x": importX },
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["test", "suite", "describe", "it"] },
          ],
        },
      ],
      "@typescript-eslint/no-misused-promises": [
        "error",
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      "no-restricted-imports": ["error", { paths: barrels }],
      "import-x/no-restricted-paths": ["error", { zones }],
      eqeqeq: "error",
    },
  },
  {
    files: ["infra/topology/**/*.ts", "infra/plan/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            { group: impure, message: "planners are pure: plain data in, plain data out" },
          ],
        },
      ],
    },
  },
  {
    files: ["node/consensus/**/*.ts"],
    ignores: ["node/consensus/engine.ts"],
    rules: {
      "no-restricted-globals": ["error", "setTimeout", "setInterval", "performance"],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "time arrives in events" },
        { object: "Math", property: "random", message: "the core is deterministic" },
      ],
    },
  },
);
