import { hash } from "node:crypto";
import { endianness } from "node:os";

const isBigEndian = endianness() === "BE";

/**
 * Separates the responses of models and endpoints: a changed model never finds those of another.
 *
 * @param modelVersion the model's digest
 */
export function cacheNamespace(modelVersion: string, endpoint: string): string {
  return `${modelVersion}:${endpoint}`;
}

/**
 * The key of a request body as it was sent, which needs no parsing. The digest is cryptographic,
 * since clients choose the bytes, and a collision would return another request's prediction.
 */
export function rawKey(namespace: string, digest: string): string {
  return `${namespace}:${digest}`;
}

/**
 * The key of what a request means: the model and the numbers. The notation of the numbers makes no
 * difference.
 *
 * @param matrix rows × features, row-major float32, without `-0`
 */
export function canonicalKey(namespace: string, matrix: Float32Array): string {
  const { buffer, byteOffset, byteLength } = matrix;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const digest = hash("sha256", isBigEndian ? Buffer.from(bytes).swap32() : bytes);
  return `predictions:${namespace}:${digest}`;
}
