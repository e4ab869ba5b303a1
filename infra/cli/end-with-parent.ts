/**
 * Loaded into the embedded engine before its own code: when the command that has started it is killed,
 * the channel between the two closes, and the engine ends as if it had been killed at the same moment.
 * Otherwise it would hold the stack while nobody can see it any more.
 */
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.channel?.unref(); // waiting for that keeps nothing alive
