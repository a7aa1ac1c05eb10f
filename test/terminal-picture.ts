import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalService } from "./local-service.ts";

/** The picture in README.md. */
export const pictureFile = join(import.meta.dirname, "../docs/terminal.svg");

const house = `{"MedInc": 8.3252, "HouseAge": 41, "AveRooms": 6.98, "AveBedrms": 1.02,
"Population": 322, "AveOccup": 2.55, "Latitude": 37.88, "Longitude": -122.23}
`;

const predict = "127.0.0.1:8000/predict -H 'Content-Type: application/json'";
const predictHouse = `curl -si ${predict} -d @house.json | grep -iE 'cache|timing|prediction'`;

/** In a folder that contains `house.json`. */
const commands = [
  "curl -s '127.0.0.1:8000/hello?name=World'",
  "cat house.json",
  predictHouse,
  predictHouse,
  `sed 's/37.88/"north"/' house.json | curl -s ${predict} -d @-`,
];

interface Line {
  readonly text: string;
  readonly isCommand: boolean;
}

const columns = 122;
const columnWidth = 7.85;
const lineHeight = 19;
const padding = 18;
const titleBarHeight = 34;

/** Breaks lines where a terminal does. */
function wrap({ text, isCommand }: Line): Line[] {
  const parts = text.match(new RegExp(`.{1,${columns}}`, "g")) ?? [""];
  return parts.map((part) => ({ text: part, isCommand }));
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function draw(session: readonly Line[]): string {
  const lines = session.flatMap(wrap);
  const width = Math.ceil(2 * padding + columns * columnWidth);
  const height = titleBarHeight + lines.length * lineHeight + padding;
  const texts = lines.map(({ text, isCommand }, index) => {
    const y = titleBarHeight + (index + 1) * lineHeight;
    const color = isCommand ? "#e6edf3" : "#9fb3c8";
    return `<text x="${padding}" y="${y}" fill="${color}">${escapeXml(text)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">
<title>The service answers a greeting, computes a prediction, finds it in the cache, and explains an invalid request</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
${texts.join("\n")}
</svg>
`;
}

/** Starts the service, runs the commands against it, and draws what a terminal shows. */
export async function recordTerminal(): Promise<string> {
  const service = await startLocalService();
  const folder = mkdtempSync(join(tmpdir(), "terminal-"));
  try {
    writeFileSync(join(folder, "house.json"), house);
    const session = commands.flatMap((command): Line[] => {
      const output = execFileSync("bash", ["-c", service.here(command)], { cwd: folder });
      const lines = output.toString().trimEnd().split(/\r?\n/);
      const answer = lines.map((text) => ({ text, isCommand: false }));
      return [{ text: `$ ${command}`, isCommand: true }, ...answer];
    });
    return draw([{ text: "$ ./run.sh local > service.log &", isCommand: true }, ...session]);
  } finally {
    rmSync(folder, { recursive: true });
    service.stop();
  }
}

/** Returns the picture without the durations, which differ in each run. A duration of 0 stays. */
export function withoutDurations(picture: string): string {
  return picture.replaceAll(/dur=\d+\.\d+/g, "dur=…");
}
