import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { waitOptions } from "./wait-options.ts";

const paths = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const path = paths.find((each) => existsSync(each));

/** Whether Chromium or Chrome is on this machine. */
export const hasBrowser = path !== undefined;

/** Starts Chromium or Chrome, without a process for graphics and with these arguments. */
export function launchBrowser(...args: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: path ?? "chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", ...args],
    timeout: waitOptions.timeout,
  });
}
