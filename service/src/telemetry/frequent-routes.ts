/** The routes of probes and of Prometheus, which would hide all other requests in logs and traces. */
export const frequentRoutes = ["/health", "/v2/health/live", "/v2/health/ready", "/metrics"];
