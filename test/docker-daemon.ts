import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { dockerAnswers } from "./docker.ts";

const images = join(import.meta.dirname, "../../shared/images/images.sh");

/**
 * Where no test may be skipped, sees to a Docker daemon and the base images for all of a run.
 *
 * @returns how to stop that daemon, if it was started here
 */
export function setup(): (() => void) | undefined {
  const { REQUIRE_ALL_TESTS } = process.env;
  if (REQUIRE_ALL_TESTS !== "1" || !existsSync(images)) return undefined;
  const wasThere = dockerAnswers();
  execFileSync(images, ["daemon"]);
  execFileSync(images, ["build"]);
  return wasThere ? undefined : () => void execFileSync(images, ["stop"]);
}
