/**
 * Prints the path of the model that a stack file selects, relative to the project:
 *
 *     node infra/stack-model.ts Pulumi.dev.yaml
 */

import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { ModelPath } from "./model-setting.ts";

const StackFile = z.object({
  config: z.object({
    "prediction-service:service": z.object({ model: ModelPath }).prefault({}),
  }),
});

const [file = ""] = process.argv.slice(2);
const result = StackFile.safeParse(parse(readFileSync(file, "utf8")));
if (result.success) {
  process.stdout.write(`${result.data.config["prediction-service:service"].model}\n`);
} else {
  process.stderr.write(`${file}:\n${z.prettifyError(result.error)}\n`);
  process.exitCode = 1;
}
