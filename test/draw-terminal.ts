import { writeFileSync } from "node:fs";
import { pictureFile, recordTerminal } from "./terminal-picture.ts";

writeFileSync(pictureFile, await recordTerminal());
