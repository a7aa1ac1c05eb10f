import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";

/** The key and value that mark a secret in the protocol of Pulumi. */
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** The properties of a resource. */
export type Properties = Record<string, unknown>;

/** A resource that the program registers. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  /** `urn:pulumi:STACK::PROJECT::PARENTTYPE$TYPE::NAME` */
  readonly urn: string;
  readonly parent: string;
  /** Whether a provider manages the resource. False for a component. */
  readonly custom: boolean;
  /** `URN::ID` of the explicit provider. Empty for a default provider. */
  readonly provider: string;
  /** The inputs, without the marks of secrets. */
  readonly inputs: Properties;
  /** The paths of secret inputs, such as `data`. */
  readonly secrets: string[];
  readonly dependencies: string[];
  readonly ignoreChanges: string[];
  readonly deleteBeforeReplace: boolean;
  readonly replacementTrigger: unknown;
}

/** Creates a secret property in the protocol of Pulumi. */
export const secretProperty = (value: unknown) => ({ [signatureKey]: secretSignature, value });

/** Removes the marks of secrets from a value and returns their paths. */
export function reveal(value: unknown, path = ""): { value: unknown; secrets: string[] } {
  if (typeof value !== "object" || value === null) return { value, secrets: [] };
  if (Array.isArray(value)) {
    const items = value.map((item, index) => reveal(item, `${path}[${index}]`));
    return { value: items.map((item) => item.value), secrets: items.flatMap((i) => i.secrets) };
  }
  const { [signatureKey]: signature, value: hidden } = value as Properties;
  if (signature === secretSignature) {
    return { value: reveal(hidden).value, secrets: [path] };
  }
  const entries = Object.entries(value).map(
    ([key, item]) => [key, reveal(item, path === "" ? key : `${path}.${key}`)] as const,
  );
  return {
    value: Object.fromEntries(entries.map(([key, item]) => [key, item.value])),
    secrets: entries.flatMap(([, item]) => item.secrets),
  };
}

/** Reads a request to register a resource. */
export function readRegistration(request: RegisterResourceRequest): Registration {
  const { value, secrets } = reveal(request.getObject()?.toJavaScript() ?? {});
  const parent = request.getParent();
  const parentType = parent === "" ? "" : `${parent.split("::")[2]?.split("$").at(-1)}$`;
  return {
    type: request.getType(),
    name: request.getName(),
    urn: `urn:pulumi:stack::project::${parentType}${request.getType()}::${request.getName()}`,
    parent,
    custom: request.getCustom(),
    provider: request.getProvider(),
    inputs: value as Properties,
    secrets,
    dependencies: request.getDependenciesList(),
    ignoreChanges: request.getIgnorechangesList(),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    replacementTrigger: request.getReplacementTrigger()?.toJavaScript(),
  };
}
