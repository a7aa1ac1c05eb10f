import { existsSync } from "node:fs";

const paths = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Returns the path of the installed Chromium or Chrome, if there is one. */
export function findBrowser(): string | undefined {
  return paths.find((path) => existsSync(path));
}
