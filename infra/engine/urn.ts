/** URNs: `urn:pulumi:<stack>::<project>::<qualified type>::<name>`; the name may itself contain `::`. */

export const ROOT_STACK_TYPE = "pulumi:pulumi:Stack";
const PROVIDER_PREFIX = "pulumi:providers:";

export interface UrnParts {
  readonly stack: string;
  readonly project: string;
  /** Types of the ancestors and the own one, joined by `$`. */
  readonly qualifiedType: string;
  readonly type: string;
  readonly name: string;
}

export function parseUrn(urn: string): UrnParts {
  const match = /^urn:pulumi:(.*?)::(.*?)::(.*?)::(.*)$/s.exec(urn);
  if (!match)
    throw new Error(
      `got ${JSON.stringify(urn)}, expected urn:pulumi:<stack>::<project>::<type>::<name>`,
    );
  const [, stack = "", project = "", qualifiedType = "", name = ""] = match;
  return {
    stack,
    project,
    qualifiedType,
    type: qualifiedType.slice(qualifiedType.lastIndexOf("$") + 1),
    name,
  };
}

export function makeUrn(
  stack: string,
  project: string,
  parent: string,
  type: string,
  name: string,
): string {
  const above = parent === "" ? "" : parseUrn(parent).qualifiedType;
  const qualified = above === "" || above === ROOT_STACK_TYPE ? type : `${above}$${type}`;
  return `urn:pulumi:${stack}::${project}::${qualified}::${name}`;
}

export const nameOf = (urn: string): string => parseUrn(urn).name;
export const typeOf = (urn: string): string => parseUrn(urn).type;

export function isRootStack(urn: string): boolean {
  return urn !== "" && parseUrn(urn).qualifiedType === ROOT_STACK_TYPE;
}

export const isProviderType = (type: string): boolean => type.startsWith(PROVIDER_PREFIX);
export const providerType = (packageName: string): string => PROVIDER_PREFIX + packageName;
export const packageOfProvider = (type: string): string => type.slice(PROVIDER_PREFIX.length);
export const packageOf = (token: string): string =>
  isProviderType(token)
    ? packageOfProvider(token)
    : token.slice(0, Math.max(0, token.indexOf(":")));

/** A provider reference is the provider's URN and id: `<urn>::<id>`. */
export function providerReference(urn: string, id: string): string {
  return `${urn}::${id}`;
}

export function parseReference(reference: string): { urn: string; id: string } {
  const at = reference.lastIndexOf("::");
  if (at < 0 || !reference.startsWith("urn:pulumi:"))
    throw new Error(`got ${JSON.stringify(reference)}, expected a provider reference <urn>::<id>`);
  return { urn: reference.slice(0, at), id: reference.slice(at + 2) };
}

export function isDefaultProvider(urn: string): boolean {
  const { type, name } = parseUrn(urn);
  return isProviderType(type) && (name === "default" || name.startsWith("default_"));
}
