/**
 * Runs the program as the Pulumi CLI does: in a process, with Pulumi's own runner. An {@link
 * Engine} replaces the engine of the CLI. An error of the engine ends the program as with the CLI.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import enginePb, { type LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import resourceService from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import resourcePb, {
  type ReadResourceRequest,
  type RegisterResourceOutputsRequest,
  type RegisterResourceRequest,
} from "@pulumi/pulumi/proto/resource_pb.js";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import structPb, { type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";
import { type Properties, type Registration, readRegistration, reveal } from "./registration.ts";
import type { StackConfig } from "./stack-config.ts";

/** Creates the resources that the program registers. */
interface Engine {
  /** Creates a resource, after its dependencies. Resolves with its properties. */
  create(resource: Registration): Promise<Properties>;
  /** Reads a resource that the program does not manage. */
  read(type: string, id: string): Promise<Properties>;
}

/** The options of a run. */
export interface RunOptions {
  readonly stack: StackConfig;
  /** Variables that the program gets in addition to those of this process. */
  readonly environment?: Record<string, string>;
  readonly engine: Engine;
  /** Whether properties that the engine leaves out are unknown. By default, they are absent. */
  readonly isPreview?: boolean;
}

/** The result of a run. */
export interface RunResult {
  /** 0, or 32 if the program ended with an error, which is in the log. */
  readonly exitCode: number;
  readonly outputs: Properties;
  /** The names of secret outputs. */
  readonly secretOutputs: string[];
  /** Everything that the program printed and logged. */
  readonly log: string;
}

const program = dirname(import.meta.dirname);
const runner = createRequire(import.meta.url).resolve("@pulumi/pulumi/cmd/run/index.js");

function unary<Request, Response>(answer: (request: Request) => Response | Promise<Response>) {
  return async (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
    try {
      callback(null, await answer(call.request));
    } catch (error) {
      callback({
        code: status.UNKNOWN,
        details: error instanceof Error ? error.message : String(error),
      });
    }
  };
}

const struct = (properties: Properties) =>
  structPb.Struct.fromJavaScript(
    JSON.parse(JSON.stringify(properties)) as Record<string, JavaScriptValue>,
  );

/** Runs the program once. */
export async function runProgram(options: RunOptions): Promise<RunResult> {
  const { stack, environment = {}, engine, isPreview = false } = options;
  let log = "";
  let outputs = reveal({});

  // Answers which features the engine supports.
  const features = new MockMonitor({
    newResource: ({ id, inputs }) => ({ id, state: inputs }),
    call: ({ inputs }) => inputs,
  });

  const server = new Server();
  server.addService(resourceService.ResourceMonitorService, {
    supportsFeature: (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) =>
      features.supportsFeature(call.request, (error, answer) => {
        const response = new resourcePb.SupportsFeatureResponse();
        response.setHassupport(answer.getHassupport());
        callback(error, response);
      }),
    getDeploymentInfo: (
      call: ServerUnaryCall<unknown, unknown>,
      callback: sendUnaryData<unknown>,
    ) => features.getDeploymentInfo(call.request, callback),
    registerPackage: (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) =>
      features.registerPackage(call.request, callback),
    registerResource: unary(async (request: RegisterResourceRequest) => {
      const registration = readRegistration(request);
      const response = new resourcePb.RegisterResourceResponse();
      response.setUrn(registration.urn);
      if (registration.custom) response.setId(registration.name);
      response.setObject(struct(registration.custom ? await engine.create(registration) : {}));
      return response;
    }),
    readResource: unary(async (request: ReadResourceRequest) => {
      const response = new resourcePb.ReadResourceResponse();
      response.setUrn(`urn:pulumi:stack::project::${request.getType()}::${request.getName()}`);
      response.setProperties(struct(await engine.read(request.getType(), request.getId())));
      return response;
    }),
    registerResourceOutputs: unary((request: RegisterResourceOutputsRequest) => {
      if (request.getUrn().includes("::pulumi:pulumi:Stack::")) {
        outputs = reveal(request.getOutputs()?.toJavaScript() ?? {});
      }
      return new emptyPb.Empty();
    }),
    signalAndWaitForShutdown: unary(() => new emptyPb.Empty()),
  });
  server.addService(engineService.EngineService, {
    log: unary((request: LogRequest) => {
      if (request.getSeverity() !== enginePb.LogSeverity.DEBUG) log += `${request.getMessage()}\n`;
      return new emptyPb.Empty();
    }),
    getRootResource: unary(() => new enginePb.GetRootResourceResponse()),
    setRootResource: unary(() => new enginePb.SetRootResourceResponse()),
  });

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  try {
    const address = `127.0.0.1:${port}`;
    const where = ["--monitor", address, "--engine", address, "--pwd", program];
    const what = ["--project", "prediction-service", "--stack", "test", "--parallel", "16"];
    const how = isPreview ? ["--dry-run"] : [];
    const child = spawn(process.execPath, [runner, ...where, ...what, ...how, "."], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        ...environment,
        PULUMI_CONFIG: JSON.stringify(stack.config),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(stack.secretKeys ?? []),
      },
    });
    child.stdout.setEncoding("utf8").on("data", (text) => (log += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
    const [exitCode] = await once(child, "close");
    const { value, secrets } = outputs;
    return { exitCode, outputs: value as Properties, secretOutputs: secrets, log };
  } finally {
    server.forceShutdown();
  }
}
