import { once } from "node:events";

export interface Startable {
  readonly name: string;
  /** @param signal ends the service, and a start under way; aborted after `stop` at the latest */
  start(signal: AbortSignal): Promise<void> | void;
  stop(): Promise<void> | void;
}

export interface RunHooks {
  /** After the last service started. */
  readonly ready?: () => void;
  /** A service that failed to stop; the others are still stopped. */
  readonly stopFailed?: (name: string, error: unknown) => void;
}

/**
 * Starts services in order and, once the signal is aborted or a start fails, stops those that were
 * started, last first: writers go before their storage. Each has a signal of its own, so that those
 * below go on until those above have finished what they began.
 */
export async function runServices(
  services: readonly Startable[],
  signal: AbortSignal,
  hooks: RunHooks = {},
): Promise<void> {
  const begun: { readonly service: Startable; readonly life: AbortController }[] = [];
  try {
    for (const service of services) {
      if (signal.aborted) return;
      const life = new AbortController();
      // Before its start: one that fails half-way is stopped too.
      begun.push({ service, life });
      await startUnless(signal, service, life);
    }
    if (signal.aborted) return;
    hooks.ready?.();
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    for (const { service, life } of begun.reverse()) {
      try {
        await service.stop();
      } catch (error) {
        hooks.stopFailed?.(service.name, error);
      }
      life.abort();
    }
  }
}

async function startUnless(
  signal: AbortSignal,
  service: Startable,
  life: AbortController,
): Promise<void> {
  const interrupt = () => life.abort();
  signal.addEventListener("abort", interrupt);
  try {
    await service.start(life.signal);
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
}
