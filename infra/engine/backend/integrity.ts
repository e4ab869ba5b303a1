/** What must hold of every checkpoint, read or written. */
import { EngineError } from "../errors.ts";
import { dependenciesOf, isProvider, type ResourceState } from "../steps/state.ts";
import { parseReference } from "../urn.ts";

/**
 * The list is a topological order, a URN occurs once without `delete`, provider references name an entry with that URN and id,
 * and only custom resources have an id.
 *
 * @throws EngineError naming the entry and the rule
 */
export function verifyIntegrity(resources: readonly ResourceState[], where: string): void {
  const seen = new Map<string, Set<string>>(),
    live = new Set<string>();
  const broken = (r: ResourceState, rule: string): never => {
    throw new EngineError(
      `the state ${where} is not sound: ${r.urn} ${rule}; nothing has been written, put back the .bak file or a file from .pulumi/backups`,
    );
  };
  for (const r of resources) {
    if (!r.custom && r.id) broken(r, `is a component but has the id ${r.id}`);
    if (r.provider && !r.pendingReplacement) {
      const { urn, id } = parseReference(r.provider);
      if (!seen.get(urn)?.has(id))
        broken(r, `refers to the provider ${r.provider}, which does not come before it`);
    }
    if (r.custom && !isProvider(r) && !r.provider)
      broken(r, "is a custom resource without a provider");
    for (const { kind, urn } of dependenciesOf(r))
      if (!seen.has(urn) && !r.pendingReplacement)
        broken(r, `refers to ${urn} (${kind}), which does not come before it`);
    if (!r.delete) {
      if (live.has(r.urn)) broken(r, "occurs twice without being marked for deletion");
      live.add(r.urn);
    }
    seen.set(r.urn, (seen.get(r.urn) ?? new Set()).add(r.id));
  }
}
