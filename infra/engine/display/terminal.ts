/** A run as lines of text, as it happens. */
import type { Display } from "../cli/operate.ts";
import { isRootStack, nameOf } from "../urn.ts";
import type { EngineEvent, ResourceChanges, StepMetadata } from "./events.ts";
import { painter, type Paint } from "./paint.ts";
import { shownOutputs } from "./values.ts";

interface Wording {
  readonly sign: string;
  readonly paint: keyof Paint;
  readonly doing: string;
  readonly done: string;
  /** In a preview. */
  readonly would: string;
  /** In the summary. */
  readonly counted: string;
}

const WORDS: Readonly<Record<string, Wording>> = {
  same: {
    sign: " ",
    paint: "dim",
    doing: "",
    done: "unchanged",
    would: "unchanged",
    counted: "unchanged",
  },
  create: {
    sign: "+",
    paint: "green",
    doing: "creating",
    done: "created",
    would: "create",
    counted: "created",
  },
  update: {
    sign: "~",
    paint: "yellow",
    doing: "updating",
    done: "updated",
    would: "update",
    counted: "updated",
  },
  delete: {
    sign: "-",
    paint: "red",
    doing: "deleting",
    done: "deleted",
    would: "delete",
    counted: "deleted",
  },
  replace: {
    sign: "+-",
    paint: "magenta",
    doing: "replacing",
    done: "replaced",
    would: "replace",
    counted: "replaced",
  },
  "create-replacement": {
    sign: "++",
    paint: "magenta",
    doing: "creating replacement",
    done: "created replacement",
    would: "create replacement",
    counted: "created",
  },
  "delete-replaced": {
    sign: "--",
    paint: "magenta",
    doing: "deleting original",
    done: "deleted original",
    would: "delete original",
    counted: "deleted",
  },
  read: {
    sign: ">",
    paint: "cyan",
    doing: "reading",
    done: "read",
    would: "read",
    counted: "read",
  },
  "read-replacement": {
    sign: ">>",
    paint: "cyan",
    doing: "reading for replacement",
    done: "read for replacement",
    would: "read for replacement",
    counted: "read",
  },
  refresh: {
    sign: "~",
    paint: "cyan",
    doing: "refreshing",
    done: "refreshed",
    would: "refresh",
    counted: "refreshed",
  },
  discard: {
    sign: "<",
    paint: "red",
    doing: "forgetting",
    done: "forgotten",
    would: "forget",
    counted: "forgotten",
  },
  "discard-replaced": {
    sign: "<<",
    paint: "magenta",
    doing: "forgetting",
    done: "forgotten",
    would: "forget",
    counted: "forgotten",
  },
  import: {
    sign: "=",
    paint: "green",
    doing: "importing",
    done: "imported",
    would: "import",
    counted: "imported",
  },
  "import-replacement": {
    sign: "=>",
    paint: "magenta",
    doing: "importing replacement",
    done: "imported replacement",
    would: "import replacement",
    counted: "imported",
  },
};

const TITLES = {
  up: ["Previewing update", "Updating"],
  refresh: ["Previewing refresh", "Refreshing"],
  destroy: ["Previewing destroy", "Destroying"],
} as const;

/** A step that takes longer is announced when it begins; all others only when they are done. */
const ANNOUNCE_AFTER_MS = 1_000;

export function terminalDisplay({
  color,
  suppressOutputs,
}: {
  readonly color: "auto" | "always" | "never";
  readonly suppressOutputs: boolean;
}): Display {
  const colored =
    color === "always" || (color === "auto" && process.stdout.isTTY && !process.env.NO_COLOR);
  return new TerminalDisplay(painter(colored), !suppressOutputs);
}

class TerminalDisplay implements Display {
  readonly #paint: Paint;
  readonly #wantsOutputs: boolean;
  readonly #running = new Map<string, { readonly since: number; readonly timer: NodeJS.Timeout }>();
  #preview = false;
  #refresh = false;
  /** Outputs are what an update is for. */
  #showsOutputs = false;
  #outputs: { old: StepMetadata["new"]; new: StepMetadata["new"] } | undefined;

  constructor(paint: Paint, showOutputs: boolean) {
    this.#paint = paint;
    this.#wantsOutputs = showOutputs;
  }

  begin(kind: keyof typeof TITLES, preview: boolean, stack: string): void {
    this.#preview = preview;
    this.#refresh = kind === "refresh";
    this.#showsOutputs = kind === "up" && this.#wantsOutputs;
    this.#outputs = undefined;
    this.#line(this.#paint.bold(`${TITLES[kind][preview ? 0 : 1]} (${stack}):`));
  }

  event(event: EngineEvent): void {
    if ("resourcePreEvent" in event)
      this.#started(event.resourcePreEvent.metadata, event.resourcePreEvent.internal === true);
    else if ("resOutputsEvent" in event)
      this.#done(event.resOutputsEvent.metadata, event.resOutputsEvent.internal === true);
    else if ("resOpFailedEvent" in event) this.#failed(event.resOpFailedEvent.metadata);
    else if ("diagnosticEvent" in event) this.#diagnostic(event.diagnosticEvent);
    else if ("summaryEvent" in event) this.#summary(event.summaryEvent);
  }

  print(line: string): void {
    this.#line(`    ${line}`);
  }

  end(): void {
    for (const { timer } of this.#running.values()) clearTimeout(timer);
  }

  #started(step: StepMetadata, internal: boolean): void {
    if (internal || step.op === "replace") return;
    // Components and the stack are done as soon as they are known; their outputs come later.
    if (!this.#isCustom(step) && !this.#preview && step.op !== "delete" && step.op !== "refresh") {
      if (step.op !== "same") this.#show(step, step.op, 0);
      return;
    }
    const { doing } = WORDS[step.op] ?? {};
    const timer = setTimeout(
      () => doing && this.#row(step, step.op, `${doing}...`),
      ANNOUNCE_AFTER_MS,
    );
    timer.unref();
    this.#running.set(key(step), { since: Date.now(), timer });
  }

  #done(step: StepMetadata, internal: boolean): void {
    if (isRootStack(step.urn)) this.#outputs = { old: step.old, new: step.new };
    const running = this.#running.get(key(step, this.#refresh)) ?? this.#running.get(key(step));
    if (!running) return;
    clearTimeout(running.timer);
    this.#running.delete(key(step));
    this.#running.delete(key(step, this.#refresh));
    if (!internal && step.op !== "refresh") this.#show(step, step.op, Date.now() - running.since);
  }

  #failed(step: StepMetadata): void {
    const running = this.#running.get(key(step));
    if (running) clearTimeout(running.timer);
    this.#running.delete(key(step));
    const { doing = step.op } = WORDS[step.op] ?? {};
    this.#row(step, step.op, this.#paint.red(`${doing} failed`));
  }

  #show(step: StepMetadata, op: string, tookMs: number): void {
    const words = WORDS[op];
    const took =
      !this.#preview && op !== "same" && tookMs >= 100 ? ` (${(tookMs / 1000).toFixed(1)} s)` : "";
    const changes = [...new Set([...(step.diffs ?? []), ...(step.keys ?? [])])];
    const what = changes.length && op !== "same" ? this.#paint.dim(` [${changes.join(", ")}]`) : "";
    this.#row(step, op, `${(this.#preview ? words?.would : words?.done) ?? op}${took}${what}`);
  }

  #row(step: StepMetadata, op: string, text: string): void {
    const { sign, paint } = WORDS[op] ?? { sign: " ", paint: "dim" as const };
    this.#line(this.#paint[paint](` ${sign.padEnd(2)} ${step.type} ${nameOf(step.urn)} `) + text);
  }

  #diagnostic({
    severity,
    urn,
    message,
    ephemeral,
  }: Extract<EngineEvent, { diagnosticEvent: unknown }>["diagnosticEvent"]): void {
    if (ephemeral) return;
    const paint =
      severity === "error"
        ? this.#paint.red
        : severity === "warning"
          ? this.#paint.yellow
          : (text: string) => text;
    const who = urn && !isRootStack(urn) ? `${nameOf(urn)}: ` : "";
    this.#line(
      paint(
        `${severity.startsWith("info") ? "" : `${severity}: `}${who}${message.trimEnd()}`,
      ).replaceAll("\n", "\n    "),
    );
  }

  #summary({
    resourceChanges,
    durationSeconds,
    result,
  }: Extract<EngineEvent, { summaryEvent: unknown }>["summaryEvent"]): void {
    const outputs =
      this.#outputs && shownOutputs(this.#outputs.old?.outputs, this.#outputs.new?.outputs);
    if (outputs?.length && this.#showsOutputs)
      this.#line(
        `${this.#paint.bold("Outputs:")}\n${outputs.map((line) => `    ${line}`).join("\n")}`,
      );
    const counts = this.#counts(resourceChanges);
    this.#line(
      `${this.#paint.bold("Resources:")} ${counts || "no changes"}${this.#preview ? "" : `, ${durationSeconds} s`}${result === "failed" ? this.#paint.red(" - failed") : ""}`,
    );
  }

  #counts(changes: ResourceChanges): string {
    const order = Object.keys(WORDS).filter((op) => op !== "same");
    const parts = [...order, "same"]
      .filter((op) => changes[op])
      .map((op) => {
        const { counted = op, would = op, paint = "dim" as const } = WORDS[op] ?? {};
        return this.#paint[paint](
          `${changes[op]} ${this.#preview && op !== "same" ? `to ${would}` : counted}`,
        );
      });
    return parts.join(", ");
  }

  #isCustom(step: StepMetadata): boolean {
    return (step.new ?? step.old)?.custom === true;
  }

  #line(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}

/** Replacement and original have the same URN; a refresh ends under the name of what it found. */
function key(step: StepMetadata, refresh = false): string {
  return `${refresh ? "refresh" : step.op} ${step.urn} ${step.op.startsWith("delete") ? (step.old?.id ?? "") : ""}`;
}
