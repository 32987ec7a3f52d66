/** `taskmem train setup`: the Python environment in which models in folders are run and trained. */
import { existsSync } from "node:fs";
import { setUpTorch, type TorchBuild, torchBuilds, torchDirectory } from "../../engines/torch/environment.ts";
import { ConfigError } from "../../errors.ts";
import type { Invocation } from "../invocation.ts";

export async function run({ output, options, signal }: Invocation): Promise<void> {
  const { build = "cpu", again = false } = options as { build?: string; again?: boolean };
  if (!Object.hasOwn(torchBuilds, build))
    throw new ConfigError(
      "flags-invalid",
      `Expected --build to be ${Object.keys(torchBuilds).join(" or ")}, got ${build}`,
    );
  const chosen = build as TorchBuild;
  const directory = torchDirectory(chosen);
  const wasThere = existsSync(directory) && !again;
  const python = await setUpTorch({ build: chosen, again, onStep: (what) => output.note(what), signal });
  output.object({ event: "train-setup-end", build, directory, python, wasThere });
  output.text(wasThere ? `already set up  ${directory}` : `set up  ${directory}`);
}
