import type { CacheOutcome } from "../cache/cached-response.ts";

const cacheStatus = "prediction-service;";

/** Response headers for each outcome: `X-Cache`, and `Cache-Status` as in RFC 9211. */
export const cacheHeaders: Readonly<Record<CacheOutcome, Readonly<Record<string, string>>>> = {
  memory: { "X-Cache": "HIT", "Cache-Status": `${cacheStatus} hit; detail=memory` },
  redis: { "X-Cache": "HIT", "Cache-Status": `${cacheStatus} hit; detail=redis` },
  stored: { "X-Cache": "MISS", "Cache-Status": `${cacheStatus} fwd=miss; stored` },
  computed: { "X-Cache": "MISS", "Cache-Status": `${cacheStatus} fwd=miss` },
  collapsed: { "X-Cache": "MISS", "Cache-Status": `${cacheStatus} fwd=miss; collapsed` },
  refreshed: { "X-Cache": "MISS", "Cache-Status": `${cacheStatus} fwd=request; stored` },
  recomputed: { "X-Cache": "MISS", "Cache-Status": `${cacheStatus} fwd=request` },
  bypassed: { "X-Cache": "BYPASS", "Cache-Status": `${cacheStatus} fwd=bypass` },
};
