/** The package as it is published: `dist` built from `src`. `npm run check` builds it first; a test run by hand builds it here. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

/** The root of the checkout. */
export const root = resolve(import.meta.dirname, "../..");

/** Builds `dist` where it is missing or older than a source. */
export function ensureBuilt(): void {
  const built = join(root, "dist", "index.js");
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  const newest = Math.max(...sources.map((name) => statSync(join(root, "src", name)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  execFileSync(process.execPath, [join(root, "scripts", "build.ts")], { cwd: root, stdio: ["ignore", 2, 2] });
}
