// The program is index.ts. This is plain JavaScript, so that a Node.js too old for it can say so.
import { RunError } from "@pulumi/pulumi";

const oldest = 24;
if (Number.parseInt(process.versions.node, 10) < oldest)
  throw new RunError(
    `guts needs Node.js ${oldest} or later and got ${process.version}: run "npm run guts -- up", or put the node_modules/.bin of the checkout first on PATH`,
  );
export default { ...(await import("./index.ts")) };
