import { once } from "node:events";

export interface Startable {
  readonly name: string;
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
 * started, last first: writers go before their storage.
 */
export async function runServices(
  services: readonly Startable[],
  signal: AbortSignal,
  hooks: RunHooks = {},
): Promise<void> {
  const begun: Startable[] = [];
  try {
    for (const service of services) {
      if (signal.aborted) return;
      // Before its start: one that fails half-way is stopped too.
      begun.push(service);
      await service.start(signal);
    }
    if (signal.aborted) return;
    hooks.ready?.();
    await once(signal, "abort");
  } finally {
    for (const service of begun.reverse()) {
      try {
        await service.stop();
      } catch (error) {
        hooks.stopFailed?.(service.name, error);
      }
    }
  }
}
