import { Provider as RandomProvider } from "@pulumi/random";
import { GuardedNamespace } from "./components/guarded-namespace.ts";
import { ManagedRedis } from "./components/managed-redis.ts";
import { Monitoring } from "./components/monitoring.ts";
import { apiSelectorLabels, PredictionApi } from "./components/prediction-api.ts";
import { RedisCache } from "./components/redis-cache.ts";
import { ServiceImage } from "./components/service-image.ts";
import { readSettings } from "./config.ts";
import { modelName } from "./model-setting.ts";
import { createProviders } from "./providers.ts";

const settings = readSettings();
const { registry, service, cache, images, redisUrl, apiTokens, loadBalancer, monitoring } =
  settings;
const { model, otherModels, ...pods } = service;
const { kubernetes, docker, node } = createProviders(settings);
const onKubernetes = { provider: kubernetes };

const image = new ServiceImage(
  "prediction-service",
  {
    context: "..",
    dockerfile: "service/Dockerfile",
    model,
    otherModels,
    baseImages: images,
    registry,
    ...node,
  },
  { provider: docker },
);

const { name } = new GuardedNamespace(
  "namespace",
  { name: settings.namespace, nodeId: node.nodeId },
  onKubernetes,
);

const redis = redisUrl
  ? new ManagedRedis("redis", { namespace: name, address: redisUrl }, onKubernetes)
  : new RedisCache(
      "redis",
      {
        namespace: name,
        image: images.redis,
        maxMemoryMiB: cache.redisMaxMemory,
        clientLabels: apiSelectorLabels,
      },
      { providers: [kubernetes, new RandomProvider("random")] },
    );

const api = new PredictionApi(
  "prediction-api",
  {
    namespace: name,
    image,
    redis,
    busyboxImage: images.busybox,
    apiTokens,
    defaultModel: otherModels.length > 0 ? modelName(model) : undefined,
    scrapeAnnotations: monitoring.scrapeAnnotations,
    awaitLoadBalancer: loadBalancer.await,
    ...pods,
  },
  onKubernetes,
);

new Monitoring(
  "monitoring",
  { ...monitoring, namespace: name, images, token: settings.metricsToken },
  onKubernetes,
);

export const namespace = name;
export const imageRef = image.ref;
export const { serviceName, servicePort } = api;
export const redisKind = redis.kind;
