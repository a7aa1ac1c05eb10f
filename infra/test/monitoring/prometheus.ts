import { spawnSync } from "node:child_process";
import { testNeeding } from "../../../test/prerequisite.ts";

const isInstalled = ["prometheus", "promtool"].every(
  (command) => spawnSync(command, ["--version"]).error === undefined,
);

/** A test that needs `prometheus` and `promtool` on the PATH. */
export const prometheusTest = testNeeding(isInstalled);
