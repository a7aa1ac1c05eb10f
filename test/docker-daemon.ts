import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { dockerAnswers } from "./docker.ts";

const script = join(import.meta.dirname, "../../shared/images/images.sh");

/** A failure shows in the tests that lack what it should have brought, and in no others. */
const run = (step: "daemon" | "build" | "stop") =>
  void spawnSync(script, [step], { stdio: "inherit" });

/**
 * Where no test may be skipped, sees to a Docker daemon and the base images for all of a run.
 *
 * @returns how to stop that daemon, if it was started here
 */
export function setup(): (() => void) | undefined {
  const { REQUIRE_ALL_TESTS } = process.env;
  if (REQUIRE_ALL_TESTS !== "1" || !existsSync(script)) return undefined;
  const wasThere = dockerAnswers();
  run("daemon");
  run("build");
  return wasThere ? undefined : () => run("stop");
}
