import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { StackFiles } from "../engine/backend/stack-files.ts";
import { parseCheckpoint } from "../engine/backend/checkpoint.ts";
import { genesisContract } from "../provider/contracts/genesis.ts";
import { localNodeContract } from "../provider/contracts/local-node.ts";
import { Failure } from "./command.ts";
import type { Project } from "./project.ts";
import { runEngine } from "./run-engine.ts";
import type { Session } from "./session.ts";
import { hasStack } from "./stack.ts";

/** One resource as the state has it. Secrets in it stay encrypted. */
export interface RecordedResource {
  readonly urn: string;
  readonly type: string;
  readonly protect?: boolean;
  readonly delete?: boolean;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** A node that `up` has started and `down` has not removed. */
export interface RecordedNode {
  readonly id: string;
  readonly role: "validator" | "full node";
  /** Absolute. */
  readonly directory: string;
  readonly logFile: string;
  readonly apiUrl: string;
  readonly internalUrl: string;
  readonly p2pAddress: string;
}

/** The resources of a stack; none when it has never been brought up. */
export async function recordedResources(session: Session): Promise<RecordedResource[]> {
  const { project, stack, backend } = session;
  if (backend.directory === undefined) return exportedResources(session);
  if (!hasStack(project, backend.directory, stack)) return [];
  const file = new StackFiles(backend.directory).stackFile({ project: project.name, stack });
  const { checkpoint } = parseCheckpoint(readFileSync(file, "utf8"), file);
  return (checkpoint.latest?.resources ?? []) as unknown as RecordedResource[];
}

async function exportedResources(session: Session): Promise<RecordedResource[]> {
  const { code, output } = await runEngine(
    session,
    ["stack", "export", "--cwd", session.project.root, "--stack", session.stack],
    { output: "captured" },
  );
  if (code !== 0)
    throw new Failure(
      `the state of "${session.stack}" could not be read from ${session.backend.url}`,
    );
  const { deployment } = JSON.parse(output) as { deployment?: { resources?: RecordedResource[] } };
  return deployment?.resources ?? [];
}

/** The nodes among the resources, sorted as they were made. */
export function nodesOf(
  { home }: Pick<Project, "home">,
  resources: readonly RecordedResource[],
): RecordedNode[] {
  const validators = validatorNames(resources);
  return resources
    .filter((resource) => resource.type === localNodeContract.token && resource.delete !== true)
    .map(({ outputs = {} }) => {
      const text = (name: string) => String(outputs[name] ?? "");
      const id = basename(text("directory"));
      return {
        id,
        role: validators.has(id) ? ("validator" as const) : ("full node" as const),
        directory: join(home, text("directory")),
        logFile: join(home, text("logFile")),
        apiUrl: text("apiUrl"),
        internalUrl: text("internalUrl"),
        p2pAddress: text("p2pAddress"),
      };
    })
    .sort((a, b) => byRoleAndNumber(a, b));
}

/** The hash of the genesis the stack's network has; undefined before it is made. */
export function genesisHashOf(resources: readonly RecordedResource[]): string | undefined {
  const hash = resources.find(({ type }) => type === genesisContract.token)?.outputs?.hash;
  return typeof hash === "string" ? hash : undefined;
}

function validatorNames(resources: readonly RecordedResource[]): Set<string> {
  const genesis = resources.find(({ type }) => type === genesisContract.token);
  const validators = (genesis?.outputs?.validators ?? []) as readonly { readonly name?: unknown }[];
  return new Set(validators.map(({ name }) => String(name)));
}

const byText = new Intl.Collator("en", { numeric: true });

function byRoleAndNumber(a: RecordedNode, b: RecordedNode): number {
  if (a.role !== b.role) return a.role === "validator" ? -1 : 1;
  return byText.compare(a.id, b.id);
}
