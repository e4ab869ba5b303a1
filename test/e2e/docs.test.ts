/**
 * Proves: every command in a `sh` block of the documentation runs as it is printed there, in the
 * order of its page, with exit code 0, against a network made by the first of them; and every npm
 * script the documentation names exists. Links to files of this repository lead somewhere.
 * Does not prove: that the output shown in the documentation is what a reader will see.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Checkout, finish, smallNetwork } from "./checkout.ts";

const root = dirname(dirname(import.meta.dirname));
const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "infra/engine/README.md"].concat(
  globSync("docs/**/*.md", { cwd: root }).sort(),
);
/** Commands that are the test run itself, or longer than it: only their script is checked. */
const NOT_HERE = /^npm (test|ci)\b|^npm run (-s )?(check|bench|generate)\b|^git clone|^cd /;

function commandsOf(page: string): string[] {
  const blocks = readFileSync(join(root, page), "utf8").matchAll(/^```sh\n(.*?)^```$/gms);
  return [...blocks].flatMap(([, block = ""]) =>
    block
      .replaceAll("\\\n", " ")
      .split("\n")
      .map((line) => line.replace(/\s+#.*$/, "").trim())
      .filter((line) => line !== "" && !line.startsWith("#")),
  );
}

const curl = spawnSync("curl", ["--version"]).status === 0;

test("the documentation names only npm scripts that exist", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  for (const page of pages) {
    const text = readFileSync(join(root, page), "utf8");
    for (const [, name] of text.matchAll(/npm run (?:-s )?([a-z]+)/g))
      assert.ok(name !== undefined && name in scripts, `${page}: npm run ${name}`);
  }
});

test("links to files lead somewhere", () => {
  for (const page of pages) {
    const text = readFileSync(join(root, page), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      assert.ok(existsSync(join(root, dirname(page), target)), `${page}: ${target}`);
  }
});

for (const page of pages.filter((name) => commandsOf(name).some((c) => !NOT_HERE.test(c))))
  test(
    `the commands of ${page} work`,
    { skip: curl ? false : "curl is not installed" },
    async (t) => {
      const checkout = new Checkout();
      t.after(() => checkout.remove());
      for (const part of ["README.md", "docs", "test/package.json", "stubs"])
        cpSync(join(root, part), join(checkout.root, part), { recursive: true });
      const network = await smallNetwork();
      checkout.describe(network);
      const { api } = network.sites[0]?.ports ?? { api: 0 };
      for (const command of commandsOf(page).filter((c) => !NOT_HERE.test(c))) {
        const here = command.replaceAll(/\b808(\d)\b/g, (_, node) => String(api + Number(node)));
        const { PATH, HOME } = process.env;
        const { code, all } = await finish(
          spawn("sh", ["-c", here], {
            cwd: checkout.root,
            env: { PATH, HOME, PULUMI_HOME: join(checkout.root, "no-pulumi") },
            stdio: ["ignore", "pipe", "pipe"],
          }),
        );
        assert.equal(code, 0, `${here}\n${all}`);
        if (here.startsWith("curl")) assert.doesNotMatch(all, /"error"/, here);
      }
    },
  );
