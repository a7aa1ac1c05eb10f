/** The groups of endpoints that can require an API token. */
export const accessGroups = ["api", "docs", "health", "metrics"] as const;

/**
 * A group of endpoints that can require an API token. `api` contains every endpoint that is in no
 * other group.
 */
export type AccessGroup = (typeof accessGroups)[number];
