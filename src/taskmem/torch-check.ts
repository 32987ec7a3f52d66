/** The check of `taskmem doctor` that is about the Python that runs and trains models in folders. */
import { type Config, namesFolder } from "../config.ts";
import {
  findTorchPython,
  type TorchBuild,
  torchBuilds,
  torchDirectory,
} from "../engines/torch/environment.ts";
import type { Environment } from "../util/environment.ts";
import { runProgram } from "../util/program.ts";
import { broken, type Finding, missing, ok } from "./check.ts";

/** Tells the versions as they are installed, which takes no time. */
const installed = `import json, sys
from importlib.metadata import version
print(json.dumps({name: version(name) for name in ("torch", "transformers", "safetensors")} | {"python": sys.version.split()[0]}))`;

/** Loads them too, and tells what torch computes on. */
const loaded = `${installed.replace("import json, sys", "import json, sys, torch, transformers, safetensors")}
print(json.dumps(torch.cuda.get_device_name() if torch.cuda.is_available() else None))`;

/**
 * Whether there is one, what it holds, and the command that mends it. Only where the configuration names a model in a folder
 * is torch loaded, and nothing works without it.
 */
export async function torchFinding(config: Config, env: Environment = process.env): Promise<Finding> {
  const isNeeded = namesFolder(config);
  const bad = isNeeded ? broken : missing;
  const python = findTorchPython(env);
  if (python === null)
    return bad(
      "not set up; only models in folders run in it",
      `taskmem train setup   (${torchBuilds.cpu.size})`,
    );
  const { exitCode, stdout, stderr } = await runProgram(python, ["-c", isNeeded ? loaded : installed], {
    env,
  }).catch((error: Error) => ({ exitCode: null, stdout: "", stderr: error.message }));
  if (exitCode !== 0) {
    const why = stderr.trim().split("\n").at(-1) || `exits with ${exitCode}`;
    return bad(`${python} does not work: ${why}`, wayOut(python, env));
  }
  const [versions, device] = stdout.toString().trim().split("\n");
  const { torch, transformers, python: version } = JSON.parse(versions!) as Record<string, string>;
  const name = device === undefined ? null : (JSON.parse(device) as string | null);
  const on = device === undefined ? "" : `, on ${name ?? "the CPU"}`;
  return ok(`torch ${torch}, transformers ${transformers}${on} (Python ${version}, ${python})`);
}

function wayOut(python: string, env: Environment): string {
  if (env.TASKMEM_PYTHON)
    return "set TASKMEM_PYTHON to a Python that has torch and transformers, or unset it and run `taskmem train setup`";
  const builds: readonly TorchBuild[] = ["cuda", "cpu"];
  const build = builds.find((one) => python.startsWith(torchDirectory(one, env)));
  return `taskmem train setup --again${build === "cuda" ? " --build cuda" : ""}`;
}
