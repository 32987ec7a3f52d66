import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { installLine, optionalPackage } from "./optional.ts";

test("an optional package is loaded with its own types and names", async () => {
  const { parquetReadObjects } = await optionalPackage("hyparquet", "to read Parquet");
  assert.equal(typeof parquetReadObjects, "function");
});

test("the install line names the version TaskMem is tested with", () => {
  assert.match(installLine("hyparquet"), /^npm install hyparquet@\d+\.\d+\.\d+$/);
});

test("a missing package is named with its purpose and its install line", async () => {
  // In a process of its own, where the package cannot be found.
  const script = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve(specifier, context, next) {
        return next(specifier === "hyparquet" ? "hyparquet" : specifier, {
          ...context,
          ...(specifier === "hyparquet" && { parentURL: "file:///nowhere/at-all.js" }),
        });
      },
    });
    const { optionalPackage } = await import(${JSON.stringify(import.meta.resolve("./optional.ts"))});
    const { name, code, message, details } = await optionalPackage("hyparquet", "to read Parquet").catch((error) => error);
    console.log(JSON.stringify({ name, code, message, details }));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  const install = installLine("hyparquet");
  assert.deepEqual(JSON.parse(stdout), {
    name: "ConfigError",
    code: "package-missing",
    message: `hyparquet is needed to read Parquet and is not installed: ${install}`,
    details: { package: "hyparquet", install },
  });
});
