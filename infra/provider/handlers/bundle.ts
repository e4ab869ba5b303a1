import {
  buildBundle,
  type BuiltBundle,
  bundleFile,
  findBundle,
  isWhole,
  megabytes,
} from "../bundle/build.ts";
import { hostPlatform, ownCheckout, type Platform, sourceHash } from "../bundle/source.ts";
import { bundleContract, type BundleInputs, type BundleState } from "../contracts/bundle.ts";
import { type Change, changesBetween } from "../differences.ts";
import type { Context, Handler, Recorded } from "../handler.ts";
import { UNKNOWN } from "../wire.ts";

type Old = Recorded<BundleInputs, BundleState>;

/** Inputs after `complete` and `check`: both are there. */
type Complete = Required<BundleInputs>;

export const bundleHandler: Handler<typeof bundleContract> = bundleHandlerOf(ownCheckout);

/** @param checkout absolute directory of the sources */
export function bundleHandlerOf(checkout: string): Handler<typeof bundleContract> {
  return {
    contract: bundleContract,
    complete: async (inputs) => {
      const platform = inputs.platform ?? hostPlatform();
      return { platform, source: await sourceHash(checkout, hostPlatform()) };
    },
    check: ({ platform }) =>
      platform === hostPlatform() || String(platform) === UNKNOWN
        ? []
        : [{ property: "platform", reason: `got ${platform}, allowed: ${hostPlatform()}` }],
    diff,
    planCreate: (inputs, context) => plan(inputs as Complete, context),
    create: async (inputs, context) => {
      const state = await build(checkout, inputs as Complete, context);
      return { id: `${state.platform}`, state };
    },
    read: async ({ state }, { home }) => ({
      state: { ...state, present: await isWhole(home, state) },
    }),
    planUpdate: (_old, inputs, context) => plan(inputs as Complete, context),
    update: (_old, inputs, context) => build(checkout, inputs as Complete, context),
    // Other networks of this home may use it; the oldest give way to new ones.
    delete: () => Promise.resolve(),
  };
}

function diff({ inputs: old, state }: Old, inputs: BundleInputs) {
  const changes: Change[] = changesBetween(old, inputs).map((change) => ({
    ...change,
    replace: change.path === "platform",
  }));
  if (!state.present) changes.push({ path: "present", kind: "update", input: false });
  return { changes };
}

async function plan({ source, platform }: Complete, context: Context) {
  const cached = await findBundle(context.home, source);
  if (cached === undefined) {
    context.info(`will build the release for ${platform}`);
    return { present: true };
  }
  context.info(`cached: release ${cached.sha256.slice(0, 12)}`);
  return stateOf(cached, source, platform);
}

async function build(checkout: string, { source, platform }: Complete, context: Context) {
  const start = performance.now();
  const cached = await findBundle(context.home, source);
  const built = await buildBundle({
    checkout,
    home: context.home,
    platform,
    source,
    signal: context.signal,
    progress: (message) => context.progress(message),
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const name = `release ${built.sha256.slice(0, 12)}`;
  if (cached === undefined)
    context.info(`built ${name}, ${megabytes(built.sizeBytes)} MB, in ${seconds} s`);
  else context.progress(`cached: ${name}`);
  return stateOf(built, source, platform);
}

function stateOf(built: BuiltBundle, source: string, platform: Platform): BundleState {
  return { ...built, platform, source, file: bundleFile(built.sha256), present: true };
}
