import { createHash } from "node:crypto";

/** Computes a SHA-256 digest, in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
