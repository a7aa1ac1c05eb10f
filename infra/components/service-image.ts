import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { version } from "../../service/src/version.ts";
import { contentDigest } from "../content-digest.ts";
import { cardOf, modelName } from "../model-setting.ts";

/** The arguments of a {@link ServiceImage}. */
export interface ServiceImageArgs {
  /** The build context. Its `.dockerignore` lists the files of the image. */
  readonly context: string;
  /** The Dockerfile, relative to the context. */
  readonly dockerfile: string;
  /** The model, an ONNX file in the folder `model/` of the context. */
  readonly model: string;
  /** More models in that folder. */
  readonly otherModels?: readonly string[];
  /** The base images. By default, those in the Dockerfile. */
  readonly baseImages?: {
    /** The image that installs the packages. */
    readonly build?: string | undefined;
    /** The image that the service runs in. */
    readonly runtime?: string | undefined;
  };
  /** Where to push the image. Without a registry, it stays in the daemon that builds it. */
  readonly registry?: string | undefined;
  /** The platform of the image, such as `linux/arm64`. By default, that of this machine. */
  readonly platform?: pulumi.Input<string> | undefined;
  /** Identifies the node whose daemon builds the image. If it changes, the image is built again. */
  readonly nodeId?: pulumi.Input<string> | undefined;
}

/** The container image of the service. Its tag depends on what it is built from. */
export class ServiceImage extends pulumi.ComponentResource {
  /** The `image` of a container. */
  readonly ref: pulumi.Output<string>;
  /** The `imagePullPolicy` of a container. */
  readonly pullPolicy: "Never" | "IfNotPresent";

  constructor(name: string, args: ServiceImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("prediction-service:docker:ServiceImage", name, {}, opts);
    const { context, dockerfile, model, otherModels = [] } = args;
    const { baseImages = {}, registry, platform, nodeId } = args;
    const repository = registry === undefined ? name : `${registry}/${name}`;
    const { build, runtime } = baseImages;
    const buildArgs = {
      MODEL: modelName(model),
      ...(otherModels.length === 0 ? {} : { OTHER_MODELS: otherModels.map(modelName).join(",") }),
      VERSION: version,
      ...(build === undefined ? {} : { BUILD_IMAGE: build }),
      ...(runtime === undefined ? {} : { RUNTIME_IMAGE: runtime }),
    };
    const modelFiles = [model, ...otherModels].flatMap((each) => [each, cardOf(each)]);
    const tag = contentDigest(context, [dockerfile, ...modelFiles], buildArgs).slice(0, 16);

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
        // The provider does not notice if the daemon no longer has the image.
        ...(nodeId === undefined ? {} : { replacementTrigger: nodeId }),
      },
    );

    // A tag can be moved to another image, a digest can't. Only a registry provides one.
    this.ref = registry === undefined ? image.imageName : image.repoDigest;
    this.pullPolicy = registry === undefined ? "Never" : "IfNotPresent";
    this.registerOutputs({ ref: this.ref });
  }
}
