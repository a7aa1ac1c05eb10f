import { hash } from "node:crypto";
import { endianness } from "node:os";

const isBigEndian = endianness() === "BE";

/**
 * Returns the prefix of cache keys. A different model or endpoint has different keys, so a changed
 * model never hits entries of the old one.
 *
 * @param modelVersion the model's digest
 */
export function cacheNamespace(modelVersion: string, endpoint: string): string {
  return `${modelVersion}:${endpoint}`;
}

/**
 * Returns the cache key of a request body as sent, without parsing it. The digest is cryptographic,
 * since clients choose the bytes, and a collision would return the prediction of another request.
 */
export function rawKey(namespace: string, digest: string): string {
  return `${namespace}:${digest}`;
}

/**
 * Returns the cache key of a parsed request. It depends on the model and the numbers, but not on
 * how the numbers are written.
 *
 * @param matrix rows × features, row-major float32, without `-0`
 */
export function canonicalKey(namespace: string, matrix: Float32Array): string {
  const { buffer, byteOffset, byteLength } = matrix;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const digest = hash("sha256", isBigEndian ? Buffer.from(bytes).swap32() : bytes);
  return `predictions:${namespace}:${digest}`;
}

/** A longer key would take more memory than its digest. */
const maxLocalBytes = 256;

/**
 * Returns a key that only this process uses. For few numbers, it is the numbers themselves, which
 * are cheaper than their digest.
 *
 * @param matrix as in {@link canonicalKey}
 */
export function localKey(namespace: string, matrix: Float32Array): string {
  const { buffer, byteOffset, byteLength } = matrix;
  if (byteLength > maxLocalBytes) return canonicalKey(namespace, matrix);
  return `${namespace}:${Buffer.from(buffer, byteOffset, byteLength).toString("latin1")}`;
}
