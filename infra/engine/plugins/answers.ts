/** What a plugin answers, as the engine uses it: diffs, failures, and secrets marked again. */
import { status } from "@grpc/grpc-js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import type { DetailedDiff, DiffKind } from "../values/compare.ts";
import {
  has,
  isList,
  isMap,
  mapValues,
  Secret,
  secretOf,
  some,
  Unknown,
  type Value,
  type ValueMap,
} from "../values/value.ts";
import * as p from "./provider.ts";
import { isRpcError, type RpcError } from "./rpc.ts";

export function failuresOf(
  response: providerPb.CheckResponse | providerPb.InvokeResponse,
): p.CheckFailure[] {
  return response
    .getFailuresList()
    .map((f) => ({ property: f.getProperty(), reason: f.getReason() }));
}

const KINDS: readonly DiffKind[] = [
  "add",
  "add-replace",
  "delete",
  "delete-replace",
  "update",
  "update-replace",
];

export function diffOf(response: providerPb.DiffResponse): p.Diff {
  const detailed: Record<string, DetailedDiff[string]> = {};
  response.getDetaileddiffMap().forEach((d, path) => {
    detailed[path] = { kind: KINDS[d.getKind()] ?? "update", inputDiff: d.getInputdiff() };
  });
  const changes = response.getChanges(),
    { DIFF_NONE, DIFF_SOME } = providerPb.DiffResponse.DiffChanges;
  return {
    changes: changes === DIFF_NONE ? "none" : changes === DIFF_SOME ? "some" : "unknown",
    replaceKeys: response.getReplacesList(),
    changedKeys: response.getDiffsList(),
    deleteBeforeReplace: response.getDeletebeforereplace(),
    detailed: response.getHasdetaileddiff() ? detailed : undefined,
  };
}

/** Codes after which nobody knows whether something was done. */
export function isUncertain(error: RpcError): boolean {
  return ([status.INTERNAL, status.DATA_LOSS, status.UNKNOWN] as number[]).includes(error.code);
}

export function plainError(error: unknown): unknown {
  return isRpcError(error) ? new p.ProviderError(error.details, "unchanged") : error;
}

/** The detail by which a provider says: it is there, but it is not well. */
export function initFailure(error: RpcError): providerPb.ErrorResourceInitFailed | undefined {
  for (const bytes of error.metadata.get("grpc-status-details-bin")) {
    if (!Buffer.isBuffer(bytes)) continue;
    for (const detail of statusPb.Status.deserializeBinary(bytes).getDetailsList())
      if (detail.getTypeName() === "pulumirpc.ErrorResourceInitFailed")
        return providerPb.ErrorResourceInitFailed.deserializeBinary(detail.getValue_asU8());
  }
  return undefined;
}

export function refuseUnknowns(
  outputs: ValueMap,
  preview: boolean,
  urn: string,
  method: string,
): void {
  if (!preview && some(outputs, (v) => v instanceof Unknown))
    throw new p.ProviderError(
      `the provider returned an unknown value from ${method} of ${urn} outside a preview`,
      "unknown",
    );
}

/** Marks as secret what has the name of a secret: objects inside objects, lists as a whole. */
export function markSecrets(values: ValueMap, origin: ValueMap): ValueMap {
  return mapValues(values, (value, key) =>
    has(origin, key) ? markSecret(value, origin[key] as Value) : value,
  );
}

function markSecret(value: Value, origin: Value): Value {
  if (value instanceof Secret) return value;
  if (origin instanceof Secret) return secretOf(value);
  if (isMap(value) && isMap(origin)) return markSecrets(value, origin);
  if (isList(value) && isList(origin) && some([...origin], (v) => v instanceof Secret))
    return secretOf(value);
  return value;
}
