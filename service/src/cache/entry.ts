import { hash } from "node:crypto";

const digestLength = 16;

function digest(key: string, body: string): string {
  return hash("sha256", key + body, "base64url").slice(0, digestLength);
}

/** Returns the entry to store for a response body: a digest of key and body, then the body. */
export function sealEntry(key: string, body: string): string {
  return digest(key, body) + body;
}

/**
 * Returns the body of a stored entry; `undefined` if it is truncated or invalid, or belongs to
 * another key.
 */
export function openEntry(key: string, entry: string): string | undefined {
  const body = entry.slice(digestLength);
  return entry.slice(0, digestLength) === digest(key, body) ? body : undefined;
}
