import { dirname, join } from "node:path";

/** The checkout. */
export const ROOT = join(dirname(import.meta.dirname), "..", "..", "..");
export const ENGINE = join(ROOT, "infra", "engine", "main.ts");
/** Recorded programs of the real engine, and the probe plugin. */
export const FIXTURES = join(ROOT, "test", "fixtures", "engine-truth");
