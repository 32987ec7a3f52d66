/** Builds `dist` from nothing: a file whose source is gone must not be published. */
import { spawnSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeClient } from "./client.ts";

const root = join(import.meta.dirname, "..");
writeClient();
rmSync(join(root, "dist"), { recursive: true, force: true });
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
/** What runs needs no comments: they are in the declarations, and in the sources that the maps hold. */
const passes = [
  ["--emitDeclarationOnly"],
  ["--declaration", "false", "--removeComments", "--sourceMap", "--inlineSources"],
];
for (const pass of passes) {
  const options = [compiler, "-p", "tsconfig.build.json", ...pass];
  const { status } = spawnSync(process.execPath, options, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
// What runs beside Node is no module, so the compiler leaves it out.
for (const file of ["engines/torch/worker.py", "policies/model/jobs/train_trl.py"])
  copyFileSync(join(root, "src", file), join(root, "dist", file));
// The dashboard runs in a browser: its modules become a few files. What is published has it; a checkout whose packages are
// older builds all else.
const vite = await import("vite").catch((error) => {
  if (["pack", "publish"].includes(process.env.npm_command ?? "")) throw error;
  console.error("build: without the dashboard, for vite is not installed: npm ci");
});
await vite?.build({ configFile: join(root, "ui", "vite.config.ts"), logLevel: "warn" });
