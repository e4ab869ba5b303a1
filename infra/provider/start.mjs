// Plain JavaScript, so that a Node.js too old to read TypeScript can still say so.
const oldest = 24;
if (Number.parseInt(process.versions.node, 10) < oldest) {
  console.error(
    `guts needs Node.js ${oldest} or later, got ${process.version}: run "npm install" in the checkout, which brings one`,
  );
  process.exit(1);
}
await import("./main.ts");
