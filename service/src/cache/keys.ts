import { hash } from "node:crypto";
import { endianness } from "node:os";

const isBigEndian = endianness() === "BE";

/**
 * The key of a request as it was sent: found before anything is parsed. A cryptographic digest,
 * since clients choose the bytes and a collision would be another's answer.
 */
export function rawKey(endpoint: string, digest: string): string {
  return `${endpoint}:${digest}`;
}

/**
 * The key of what a request means: the model and the numbers. Notation makes no difference, and a
 * changed model never finds another's answers.
 *
 * @param matrix rows × 8, row-major float32, without `-0`
 */
export function canonicalKey(modelVersion: string, endpoint: string, matrix: Float32Array): string {
  const { buffer, byteOffset, byteLength } = matrix;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const digest = hash("sha256", isBigEndian ? Buffer.from(bytes).swap32() : bytes);
  return `predictions:${modelVersion}:${endpoint}:${digest}`;
}
