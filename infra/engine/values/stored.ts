/** Property values at rest in a checkpoint: JSON in which secrets are encrypted. */
import { EngineError } from "../errors.ts";
import type { Crypter } from "../secrets.ts";
import * as v from "./value.ts";
import type { Value, ValueMap } from "./value.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** Ciphertexts of secrets already encrypted or read, so that an unchanged secret keeps its ciphertext within a run. */
const sealedSecrets = new WeakMap<v.Secret, string>();

/** How secrets are shown: encrypted, in plain text (an export), or hidden. */
export type SecretDisplay = { readonly crypter: Crypter } | "plaintext" | "hidden";

export function encodeStoredMap(map: ValueMap, secrets: SecretDisplay): JsonObject {
  const result = Object.create(null) as JsonObject;
  for (const key of Object.keys(map).sort()) result[key] = encodeStored(map[key] as Value, secrets);
  return result;
}

export function encodeStored(value: Value, secrets: SecretDisplay): Json {
  if (typeof value === "number") return encodeNumber(value);
  if (value === null || typeof value !== "object") return value;
  if (v.isList(value)) return value.map((item) => encodeStored(item, secrets));
  if (value instanceof v.Unknown) return v.UNKNOWN_TEXT;
  if (value instanceof v.Secret) return encodeSecret(value, secrets);
  if (value instanceof v.OutputValue) return encodeStored(v.withoutOutputs(value), secrets);
  if (value instanceof v.ResourceReference)
    return {
      [v.SIGNATURE_KEY]: v.RESOURCE_SIGNATURE,
      urn: value.urn,
      ...(value.id === undefined
        ? {}
        : { id: value.id instanceof v.Unknown ? "" : encodeStored(value.id, secrets) }),
      packageVersion: value.packageVersion,
    };
  if (value instanceof v.Asset) return encodeAsset(value);
  if (value instanceof v.ByteString)
    return { [v.SIGNATURE_KEY]: v.BYTE_STRING_SIGNATURE, value: value.base64 };
  return encodeStoredMap(value as ValueMap, secrets);
}

/** JSON has no NaN and no infinities: they are kept as the bits of the double. */
function encodeNumber(value: number): Json {
  if (Number.isFinite(value)) return value;
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(value);
  return { [v.SIGNATURE_KEY]: v.NUMBER_SIGNATURE, value: bits.toString("hex") };
}

function encodeSecret(secret: v.Secret, secrets: SecretDisplay): Json {
  const marked = { [v.SIGNATURE_KEY]: v.SECRET_SIGNATURE };
  if (secrets === "hidden") return { ...marked, ciphertext: "[secret]" };
  if (secrets === "plaintext")
    return { ...marked, plaintext: JSON.stringify(encodeStored(secret.element, "plaintext")) };
  let ciphertext = sealedSecrets.get(secret);
  if (ciphertext === undefined) {
    ciphertext = secrets.crypter.encrypt(
      JSON.stringify(encodeStored(secret.element, { crypter: INSIDE })),
    );
    sealedSecrets.set(secret, ciphertext);
  }
  return { ...marked, ciphertext };
}

/** A secret within a secret keeps its mark but is not encrypted a second time. */
const INSIDE: Crypter = { salt: "", encrypt: (text) => text, decrypt: (text) => text };

function encodeAsset(asset: v.Asset): Json {
  const { assets, ...content } = asset.content;
  return {
    [v.SIGNATURE_KEY]: asset.kind === "asset" ? v.ASSET_SIGNATURE : v.ARCHIVE_SIGNATURE,
    hash: asset.hash,
    ...content,
    ...(assets
      ? {
          assets: Object.fromEntries(
            Object.entries(assets).map(([name, a]) => [name, encodeAsset(a)]),
          ),
        }
      : {}),
  };
}

/**
 * @param crypter opens the secrets; undefined leaves them as secrets whose element is null, for readers that show none
 */
export function decodeStoredMap(json: unknown, crypter: Crypter | undefined): ValueMap {
  if (json === undefined || json === null) return v.EMPTY;
  return v.mapOf(
    Object.entries(json as JsonObject).map(
      ([key, value]) => [key, decodeStored(value, crypter)] as const,
    ),
  );
}

export function decodeStored(json: Json, crypter: Crypter | undefined): Value {
  if (json === v.UNKNOWN_TEXT) return v.UNKNOWN;
  if (json === null || typeof json !== "object") return json;
  if (Array.isArray(json)) return json.map((item) => decodeStored(item, crypter));
  switch (json[v.SIGNATURE_KEY]) {
    case undefined:
      return decodeStoredMap(json, crypter);
    case v.SECRET_SIGNATURE:
      return decodeSecret(json, crypter);
    case v.RESOURCE_SIGNATURE:
      return new v.ResourceReference(
        String(json.urn),
        json.id === undefined ? undefined : decodeStored(json.id, crypter),
        String(json.packageVersion ?? ""),
      );
    case v.ASSET_SIGNATURE:
    case v.ARCHIVE_SIGNATURE:
      return decodeAsset(json);
    case v.BYTE_STRING_SIGNATURE:
      return new v.ByteString(String(json.value));
    case v.NUMBER_SIGNATURE:
      return Buffer.from(String(json.value), "hex").readDoubleBE();
    default:
      throw new EngineError(
        `the checkpoint holds a value with the unknown signature ${JSON.stringify(json[v.SIGNATURE_KEY])}: written by a newer Pulumi`,
      );
  }
}

function decodeSecret(json: JsonObject, crypter: Crypter | undefined): v.Secret {
  if (typeof json.plaintext === "string")
    return new v.Secret(decodeStored(JSON.parse(json.plaintext) as Json, crypter));
  if (typeof json.ciphertext !== "string")
    throw new EngineError("the checkpoint holds a secret with neither ciphertext nor plaintext");
  if (!crypter) return new v.Secret(null);
  const secret = new v.Secret(
    decodeStored(JSON.parse(crypter.decrypt(json.ciphertext)) as Json, INSIDE),
  );
  if (crypter !== INSIDE) sealedSecrets.set(secret, json.ciphertext);
  return secret;
}

function decodeAsset(json: JsonObject): v.Asset {
  const { [v.SIGNATURE_KEY]: signature, hash, assets, ...content } = json;
  const inner = assets
    ? {
        assets: Object.fromEntries(
          Object.entries(assets as JsonObject).map(([name, a]) => [
            name,
            decodeAsset(a as JsonObject),
          ]),
        ),
      }
    : {};
  return new v.Asset(signature === v.ASSET_SIGNATURE ? "asset" : "archive", String(hash ?? ""), {
    ...(content as v.AssetContent),
    ...inner,
  });
}
