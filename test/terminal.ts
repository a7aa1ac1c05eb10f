import { commandPath } from "./machine.ts";
import { testNeeding } from "./prerequisite.ts";

/** A `test` that needs a terminal, which util-linux's `script` creates. */
export const testInTerminal = testNeeding(
  process.platform === "linux" && commandPath("script") !== "",
);
