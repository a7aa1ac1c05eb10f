import { hash } from "node:crypto";
import { endianness } from "node:os";

const isBigEndian = endianness() === "BE";

/**
 * The key of a request body as it was sent, which needs no parsing. The digest is cryptographic,
 * since clients choose the bytes, and a collision would return another request's prediction.
 */
export function rawKey(endpoint: string, body: Uint8Array): string {
  return `${endpoint}:${hash("sha256", body, "base64")}`;
}

/**
 * The key of what a request means: the model and the numbers. The notation of the numbers makes no
 * difference, and a changed model never finds the predictions of another.
 *
 * @param matrix rows × features, row-major float32, without `-0`
 */
export function canonicalKey(modelVersion: string, endpoint: string, matrix: Float32Array): string {
  const { buffer, byteOffset, byteLength } = matrix;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const digest = hash("sha256", isBigEndian ? Buffer.from(bytes).swap32() : bytes);
  return `predictions:${modelVersion}:${endpoint}:${digest}`;
}
