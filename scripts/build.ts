/** Builds `dist` from nothing: a file whose source is gone must not be published. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
rmSync(join(root, "dist"), { recursive: true, force: true });
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const options = ["-p", "tsconfig.build.json"];
process.exitCode =
  spawnSync(process.execPath, [compiler, ...options], { cwd: root, stdio: "inherit" }).status ?? 1;
