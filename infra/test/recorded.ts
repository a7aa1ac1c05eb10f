import { join } from "node:path";
import { type Output, runtime } from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { type Registration, readRegistration } from "./registration.ts";
import type { StackConfig } from "./stack-config.ts";

/** What an output will hold. */
export function promised<Value>(output: Output<Value>): Promise<Value> {
  const { promise, resolve } = Promise.withResolvers<Value>();
  output.apply(resolve);
  return promise;
}

/** What a program registered, and what it returned. */
export interface Recording<Result> {
  readonly result: Result;
  readonly resources: Registration[];
  /** The one resource of a type, given without its module's path, and of a name. */
  resource(type: string, name: string): Registration;
}

/** What the mocks give back beyond the inputs. */
const providerState: Record<string, object> = {
  "kubernetes:core/v1:Node": { status: { nodeInfo: { architecture: "arm64" } } },
  "docker:index/image:Image": { repoDigest: `image@sha256:${"0".repeat(64)}` },
};

/**
 * Runs what declares resources, in this process and from the program's folder, against Pulumi's
 * mocks. Each Kubernetes object gets the uid `uid-of-KIND-NAME`, one that is read `uid-of-KIND-ID`.
 */
export async function record<Result>(
  declare: () => Promise<Result> | Result,
  { config, secretKeys = [] }: StackConfig = { config: {} },
): Promise<Recording<Result>> {
  process.chdir(join(import.meta.dirname, ".."));
  await runtime.setMocks(
    {
      newResource: ({ type, name, id, inputs }) => {
        const uid = `uid-of-${type.split(":").at(-1)}-${id || name}`;
        const metadata = { ...inputs.metadata, uid };
        return { id: id || name, state: { ...inputs, ...providerState[type], metadata } };
      },
      call: ({ inputs }) => inputs,
    },
    "prediction-service",
    "test",
    false,
  );
  runtime.setAllConfig(config, secretKeys);

  const resources: Registration[] = [];
  const monitor: unknown = runtime.getMonitor();
  if (!(monitor instanceof MockMonitor)) throw new Error("the mocks were not set");
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request: RegisterResourceRequest, callback) => {
    resources.push(readRegistration(request));
    return register(request, callback);
  };

  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  await runtime.runInPulumiStack(async () => {
    await Promise.resolve().then(declare).then(resolve, reject);
    return {};
  });
  await runtime.disconnect();
  return {
    result: await promise,
    resources,
    resource(type, name) {
      const isMeant = (r: Registration) => r.type.endsWith(`:${type}`) && r.name === name;
      const [found, ...others] = resources.filter(isMeant);
      if (found === undefined || others.length > 0) throw new Error(`not one ${type} ${name}`);
      return found;
    },
  };
}
