import { join } from "node:path";
import { type Output, runtime } from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { randomPassword, randomPasswordType } from "./random-password.ts";
import { type Registration, readRegistration } from "./registration.ts";
import type { StackConfig } from "./stack-config.ts";

/** Returns the value of an output. */
export function promised<Value>(output: Output<Value>): Promise<Value> {
  const { promise, resolve } = Promise.withResolvers<Value>();
  output.apply(resolve);
  return promise;
}

/** The resources that a function registered, and its result. */
export interface Recording<Result> {
  readonly result: Result;
  readonly resources: Registration[];
  /** Returns the resource with a name and a type, which is given without its module. */
  resource(type: string, name: string): Registration;
}

/** The properties that the mocks add to the inputs. */
const providerState: Record<string, (inputs: unknown) => object> = {
  "kubernetes:core/v1:Node": () => ({ status: { nodeInfo: { architecture: "arm64" } } }),
  "docker:index/image:Image": () => ({ repoDigest: `image@sha256:${"0".repeat(64)}` }),
  [randomPasswordType]: randomPassword,
};

/**
 * Runs a function that declares resources against the mocks of Pulumi, in this process and in the
 * folder of the program. A Kubernetes object gets the uid `uid-of-KIND-NAME`, or `uid-of-KIND-ID`
 * if it is only read.
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
        return { id: id || name, state: { ...inputs, ...providerState[type]?.(inputs), metadata } };
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
  if (!(monitor instanceof MockMonitor)) throw new Error("the mocks are not set");
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
      const matches = (r: Registration) => r.type.endsWith(`:${type}`) && r.name === name;
      const [found, ...others] = resources.filter(matches);
      if (found === undefined || others.length > 0) throw new Error(`expected one ${type} ${name}`);
      return found;
    },
  };
}
