// Writes the files that are made from the sources: the schema for editors and the reference pages.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { renderEditorSchema } from "../infra/topology/editor-schema.ts";
import { renderReference } from "../infra/topology/reference.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What the node prints about itself; it is another program, so it is asked and not imported. */
function nodePage(name) {
  const words = [join(root, "node", "main.ts"), "reference", name];
  return execFileSync(process.execPath, words, { encoding: "utf8" });
}

const files = {
  "infra/topology/network.schema.json": renderEditorSchema,
  "docs/configuration-reference.md": renderReference,
  "docs/node-reference.md": () => nodePage("node"),
  "docs/errors.md": () => nodePage("errors"),
};
for (const [path, render] of Object.entries(files)) {
  const text = render();
  const file = join(root, path);
  const same = text === readFileSync(file, "utf8");
  if (!same) writeFileSync(file, text);
  console.log(`${same ? "unchanged" : "written  "}  ${path}`);
}
