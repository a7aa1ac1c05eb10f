import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { dockerAnswers } from "./docker.ts";

const script = join(import.meta.dirname, "../../shared/images/images.sh");

/** Failures are ignored here, because the tests that need the daemon or the images fail then. */
const run = (step: "daemon" | "build" | "stop") =>
  void spawnSync(script, [step], { stdio: "inherit" });

/**
 * If no test may be skipped, starts a Docker daemon and builds the base images before the tests.
 *
 * @returns a function that stops the daemon, if this started it
 */
export function setup(): (() => void) | undefined {
  const { REQUIRE_ALL_TESTS } = process.env;
  if (REQUIRE_ALL_TESTS !== "1" || !existsSync(script)) return undefined;
  const wasRunning = dockerAnswers();
  run("daemon");
  run("build");
  return wasRunning ? undefined : () => run("stop");
}
