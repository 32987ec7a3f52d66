/** Which options a run has, and where each comes from. */
import {
  type Config,
  environmentValues,
  type FlagValues,
  type LoadOptions,
  loadConfig,
  presetOptions,
  readConfigFile,
} from "../config.ts";
import { leavesOf } from "../util/objects.ts";

/** An option as a run has it. */
export interface EffectiveOption {
  /** Its path: `model.sampling.topP`. */
  readonly option: string;
  readonly value: unknown;
  /** What set it; `model-name` for a preset that the model's name tells. */
  readonly from: "flag" | "environment" | "file" | "model-name" | "preset" | "default";
}

/**
 * Every option of the configuration that flags, the environment and the file give, with its value and its origin.
 * @throws ConfigError as `loadConfig`
 */
export async function effectiveOptions(
  flags: FlagValues,
  options: LoadOptions = {},
): Promise<EffectiveOption[]> {
  const { cwd = process.cwd(), env = process.env, file } = options;
  // A temperature stands in a configuration twice; it is shown once.
  const { model, ...others } = await loadConfig(flags, options);
  const { temperature: _, ...modelOptions } = model;
  const config: Config = { ...others, model: modelOptions };
  const givenBy = {
    flag: pathsOf(flags),
    environment: pathsOf(environmentValues(env)),
    file: pathsOf(await readConfigFile(file, cwd)),
    preset: leavesOf(presetOptions(config)).map(([path]) => path),
  };
  const origins = ["flag", "environment", "file", "preset"] as const;
  return leavesOf(config).map(([option, value]) => {
    const isOf = (paths: readonly string[]) =>
      paths.some((path) => option === path || option.startsWith(`${path}.`));
    const from = origins.find((origin) => isOf(givenBy[origin])) ?? "default";
    const isTold = option === "model.preset" && from === "default" && value !== "none";
    return { option, value, from: isTold ? "model-name" : from };
  });
}

/** Paths of flags and variables; the value of one may be an object. */
function pathsOf(values: FlagValues): string[] {
  const paths = leavesOf(values).flatMap(([path, value]) => (value === undefined ? [] : [path]));
  return paths.map((path) => (path === "model.temperature" ? "model.sampling.temperature" : path));
}
