/** A real browser for tests: Debian's chromium, or the one that CHROMIUM_PATH names. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const path = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

/** Why there is no browser, or `false`. */
export const noBrowser: string | false = existsSync(path)
  ? false
  : `there is no chromium at ${path}: apt-get install chromium, or name one in CHROMIUM_PATH`;

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: ["--no-sandbox"] });
}
