import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { contentDigest } from "../content-digest.ts";

/** What a {@link ServiceImage} needs. */
export interface ServiceImageArgs {
  /** The folder whose files the image is made of, as its `.dockerignore` lists them. */
  readonly context: string;
  /** The Dockerfile, relative to the context. */
  readonly dockerfile: string;
  /** The base images to build with instead of those that the Dockerfile names. */
  readonly baseImages?: {
    /** Installs the packages. */
    readonly build?: string | undefined;
    /** Runs the service. */
    readonly runtime?: string | undefined;
  };
  /** Where the image is pushed to; absent, it stays in the daemon that builds it. */
  readonly registry?: string | undefined;
  /** What it is built for, such as `linux/arm64`; default the machine that runs the program. */
  readonly platform?: pulumi.Input<string> | undefined;
  /** Identifies the node whose daemon builds it. On another one, it is built anew. */
  readonly nodeId?: pulumi.Input<string> | undefined;
}

/** The service's container image: a tag for each content, built when that or the daemon changes. */
export class ServiceImage extends pulumi.ComponentResource {
  /** What a pod's `image` has to be. */
  readonly ref: pulumi.Output<string>;
  /** What a pod's `imagePullPolicy` has to be. */
  readonly pullPolicy: "Never" | "IfNotPresent";

  constructor(name: string, args: ServiceImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("prediction-service:docker:ServiceImage", name, {}, opts);
    const { context, dockerfile, baseImages = {}, registry, platform, nodeId } = args;
    const repository = registry === undefined ? name : `${registry}/${name}`;
    const { build, runtime } = baseImages;
    const buildArgs = {
      ...(build === undefined ? {} : { BUILD_IMAGE: build }),
      ...(runtime === undefined ? {} : { RUNTIME_IMAGE: runtime }),
    };
    const tag = contentDigest(context, dockerfile, buildArgs).slice(0, 16);

    const image = new docker.Image(
      name,
      {
        imageName: `${repository}:${tag}`,
        build: {
          context,
          dockerfile: `${context}/${dockerfile}`,
          args: buildArgs,
          ...(platform === undefined ? {} : { platform }),
        },
        skipPush: registry === undefined,
      },
      {
        parent: this,
        // The provider asks no daemon whether it still has what the state says was built.
        ...(nodeId === undefined ? {} : { replacementTrigger: nodeId }),
      },
    );

    // A digest can't be moved as a tag can, but only a registry gives one.
    this.ref = registry === undefined ? image.imageName : image.repoDigest;
    this.pullPolicy = registry === undefined ? "Never" : "IfNotPresent";
    this.registerOutputs({ ref: this.ref });
  }
}
