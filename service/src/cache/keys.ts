import { hash } from "node:crypto";
import { endianness } from "node:os";

/**
 * The key of a request as it was sent: found before anything is parsed. A cryptographic digest,
 * since clients choose the bytes and a collision would be another's answer.
 */
export function rawKey(endpoint: string, body: Uint8Array): string {
  return `${endpoint}:${hash("sha256", body, "base64")}`;
}

/**
 * The key of what a request means: the model and the numbers. Notation makes no difference, `-0`
 * counts as `0`, and a changed model never finds another's answers.
 *
 * @param matrix rows × 8, row-major float32
 */
export function canonicalKey(modelVersion: string, endpoint: string, matrix: Float32Array): string {
  // Adding 0 turns -0 into 0 and leaves every other number as it is.
  const canonical = matrix.map((value) => value + 0);
  const bytes = Buffer.from(canonical.buffer);
  if (endianness() === "BE") bytes.swap32();
  return `predictions:${modelVersion}:${endpoint}:${hash("sha256", bytes)}`;
}
