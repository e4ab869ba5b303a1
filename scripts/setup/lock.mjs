import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** How often a setup that waits looks again, in milliseconds. */
const POLL_MS = 200;

/**
 * Runs `work` while this process alone holds the lock file, which names its process. A lock whose
 * process is gone is taken over.
 */
export async function withLock(file, say, work) {
  for (let told = false; !tryLock(file); told = true) {
    const holder = holderOf(file);
    if (holder === undefined) continue;
    if (!alive(holder)) {
      breakLock(file, holder);
      continue;
    }
    if (!told) say(`waits for another setup (process ${holder})`);
    await sleep(POLL_MS);
  }
  const release = () => rmSync(file, { force: true });
  const onSignal = (signal) => {
    release();
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    return await work();
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    release();
  }
}

/** The name appears with its content in one step: nobody reads a lock that is still empty. */
function tryLock(file) {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, `${process.pid}\n`);
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    unlinkSync(mine);
  }
}

function holderOf(file) {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return undefined; // released in between
  }
}

/** Moves the lock aside first: of two that break the same lock, one takes a newer one and puts it back. */
function breakLock(file, holder) {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
  } catch {
    return; // somebody else was faster
  }
  try {
    if (Number(readFileSync(aside, "utf8")) !== holder) linkSync(aside, file);
  } finally {
    unlinkSync(aside);
  }
}

function alive(pid) {
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM"; // it exists and belongs to another user
  }
}
