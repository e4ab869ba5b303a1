/** Property values on the wire: `google.protobuf.Struct` with the markers of the Pulumi protocol. */
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import * as v from "./value.ts";
import type { Value, ValueMap } from "./value.ts";

/** What the receiver understands; whatever it does not is replaced by the nearest plainer value. */
export interface WireOptions {
  readonly secrets: boolean;
  readonly resources: boolean;
  readonly outputs?: boolean;
  /** Send assets as their hash alone: of old values a provider needs no content. */
  readonly elideAssets?: boolean;
  /** Leave unknowns out: outside a preview nobody is sent one. */
  readonly dropUnknowns?: boolean;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export function encodeStruct(map: ValueMap, options: WireOptions): Struct {
  return struct.Struct.fromJavaScript(encodeMap(map, options) as Record<string, never>);
}

export function decodeStruct(message: Struct | undefined): ValueMap {
  return message ? decodeMap(message.toJavaScript() as { [key: string]: Json }) : v.EMPTY;
}

export function decodeValue(message: struct.Value | undefined): Value | undefined {
  return message ? decode(message.toJavaScript() as Json) : undefined;
}

function encodeMap(map: ValueMap, options: WireOptions): { [key: string]: Json } {
  const result: { [key: string]: Json } = {};
  for (const [key, value] of Object.entries(map))
    if (!dropped(value, options)) result[key] = encode(value, options);
  return result;
}

function dropped(value: Value, { dropUnknowns }: WireOptions): boolean {
  return (
    dropUnknowns === true &&
    (value instanceof v.Unknown ||
      (value instanceof v.Secret && value.element instanceof v.Unknown))
  );
}

function encode(value: Value, options: WireOptions): Json {
  if (value === null || typeof value !== "object") return value;
  if (v.isList(value))
    return value.filter((item) => !dropped(item, options)).map((item) => encode(item, options));
  if (value instanceof v.Unknown) return v.UNKNOWN_TEXT;
  if (value instanceof v.Secret)
    return options.secrets
      ? { [v.SIGNATURE_KEY]: v.SECRET_SIGNATURE, value: encode(value.element, options) }
      : encode(value.element, options);
  if (value instanceof v.OutputValue) return encodeOutput(value, options);
  if (value instanceof v.ResourceReference) return encodeReference(value, options);
  if (value instanceof v.Asset)
    return encodeAsset(options.elideAssets ? new v.Asset(value.kind, value.hash, {}) : value);
  if (value instanceof v.ByteString)
    return { [v.SIGNATURE_KEY]: v.BYTE_STRING_SIGNATURE, value: value.base64 };
  return encodeMap(value as ValueMap, options);
}

function encodeOutput(output: v.OutputValue, options: WireOptions): Json {
  if (!options.outputs) return encode(v.withoutOutputs(output), options);
  return {
    [v.SIGNATURE_KEY]: v.OUTPUT_SIGNATURE,
    ...(output.value === undefined ? {} : { value: encode(output.value, options) }),
    ...(output.secret ? { secret: true } : {}),
    ...(output.dependencies.length ? { dependencies: [...output.dependencies] } : {}),
  };
}

function encodeReference(reference: v.ResourceReference, options: WireOptions): Json {
  const id = reference.id === undefined ? undefined : encode(reference.id, options);
  // Who knows no references gets the id of a custom resource, the URN of a component.
  if (!options.resources) return id === undefined ? reference.urn : id;
  return {
    [v.SIGNATURE_KEY]: v.RESOURCE_SIGNATURE,
    urn: reference.urn,
    ...(id === undefined ? {} : { id }),
    ...(reference.packageVersion ? { packageVersion: reference.packageVersion } : {}),
  };
}

function encodeAsset(asset: v.Asset): Json {
  const { text, path, uri, assets } = asset.content;
  return {
    [v.SIGNATURE_KEY]: asset.kind === "asset" ? v.ASSET_SIGNATURE : v.ARCHIVE_SIGNATURE,
    hash: asset.hash,
    ...(text === undefined ? {} : { text }),
    ...(path === undefined ? {} : { path }),
    ...(uri === undefined ? {} : { uri }),
    ...(assets === undefined
      ? {}
      : {
          assets: Object.fromEntries(
            Object.entries(assets).map(([name, a]) => [name, encodeAsset(a)]),
          ),
        }),
  };
}

function decodeMap(json: { [key: string]: Json }): ValueMap {
  return v.mapOf(Object.entries(json).map(([key, value]) => [key, decode(value)] as const));
}

function decode(json: Json): Value {
  if (json === v.UNKNOWN_TEXT) return v.UNKNOWN;
  if (json === null || typeof json !== "object") return json;
  if (Array.isArray(json)) return json.map(decode);
  switch (json[v.SIGNATURE_KEY]) {
    case undefined:
      return decodeMap(json);
    case v.SECRET_SIGNATURE:
      return new v.Secret(decode(json.value ?? null));
    case v.RESOURCE_SIGNATURE:
      return new v.ResourceReference(
        String(json.urn),
        json.id === undefined ? undefined : decode(json.id),
        String(json.packageVersion ?? ""),
      );
    case v.OUTPUT_SIGNATURE:
      return new v.OutputValue(
        "value" in json ? decode(json.value as Json) : undefined,
        json.secret === true,
        Array.isArray(json.dependencies) ? json.dependencies.map(String) : [],
      );
    case v.ASSET_SIGNATURE:
    case v.ARCHIVE_SIGNATURE:
      return decodeAsset(json);
    case v.BYTE_STRING_SIGNATURE:
      return new v.ByteString(String(json.value));
    default:
      throw new Error(
        `a value carries the unknown signature ${JSON.stringify(json[v.SIGNATURE_KEY])}: a newer protocol than this engine speaks`,
      );
  }
}

function decodeAsset(json: { [key: string]: Json }): v.Asset {
  return new v.Asset(
    json[v.SIGNATURE_KEY] === v.ASSET_SIGNATURE ? "asset" : "archive",
    typeof json.hash === "string" ? json.hash : "",
    {
      ...(typeof json.text === "string" ? { text: json.text } : {}),
      ...(typeof json.path === "string" ? { path: json.path } : {}),
      ...(typeof json.uri === "string" ? { uri: json.uri } : {}),
      ...(json.assets !== null && typeof json.assets === "object" && !Array.isArray(json.assets)
        ? {
            assets: Object.fromEntries(
              Object.entries(json.assets).map(([name, a]) => [
                name,
                decodeAsset(a as { [key: string]: Json }),
              ]),
            ),
          }
        : {}),
    },
  );
}
