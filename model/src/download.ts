import type { ProgressReporter } from "./progress.ts";
import { sha256 } from "./sha256.ts";

const timeoutMs = 120_000;

/** A downloadable file, identified by its digest. */
export interface RemoteFile {
  readonly url: string;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Downloads a file and checks its digest.
 *
 * @throws {Error} if the connection fails, the server responds with an error, the download takes
 *   longer than two minutes, or the digest is wrong
 */
export async function download(file: RemoteFile, report: ProgressReporter): Promise<Uint8Array> {
  const content = await receive(file.url, report).catch((error: unknown) => {
    throw new Error(`cannot download ${file.url}: ${describe(error)}`, { cause: error });
  });
  const found = sha256(content);
  if (found !== file.sha256) {
    throw new Error(`${file.url} has SHA-256 ${found} instead of ${file.sha256}`);
  }
  return content;
}

async function receive(url: string, report: ProgressReporter): Promise<Uint8Array> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok || response.body === null) {
    throw new Error(`the server responded with ${response.status} ${response.statusText}`);
  }
  const length = Number(response.headers.get("content-length"));
  const chunks: Uint8Array[] = [];
  let receivedBytes = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    receivedBytes += chunk.length;
    report(length > 0 ? receivedBytes / length : 0, `${Math.round(receivedBytes / 1000)} kB`);
  }
  return Buffer.concat(chunks);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
