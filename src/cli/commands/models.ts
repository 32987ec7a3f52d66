/** `taskmem models`: weights on this machine. */
import http from "node:http";
import { homedir } from "node:os";
import { hasRuntime } from "../../engines/meaning/sentence-encoder.ts";
import { runtimePackage } from "../../engines/onnx-runtime.ts";
import { Models, modelsDirectory, type PulledModel } from "../../models/models.ts";
import { registrySettings } from "../../models/registries.ts";
import { shippedModels } from "../../models/shipped.ts";
import { installLine } from "../../util/optional.ts";
import type { Invocation } from "../invocation.ts";
import { counted, exitCodes, type Output } from "../output.ts";

/** What the subcommands do. */
export type ModelsAction = "list" | "pull" | "check" | "remove";

interface ModelsFlags {
  readonly as?: string;
  readonly from?: string;
}

export async function run(
  invocation: Invocation,
  action: ModelsAction,
  names: string[] = [],
): Promise<number> {
  const models = openModels(process.env);
  switch (action) {
    case "list":
      return list(invocation.output, models);
    case "pull":
      return pull(invocation, models, names);
    case "check":
      return check(invocation.output, models, names);
    case "remove":
      return remove(invocation.output, models, names);
  }
}

/** The models of this user, reached through the proxies of the environment. */
function openModels(env: NodeJS.ProcessEnv): Models {
  // Since Node 24.14; before, NODE_USE_ENV_PROXY=1 does the same.
  (http as { setGlobalProxyFromEnv?: () => void }).setGlobalProxyFromEnv?.();
  const home = homedir();
  return new Models(modelsDirectory(env, home), {
    settings: registrySettings(env, { home, directory: process.cwd() }),
  });
}

function list(output: Output, models: Models): number {
  const pulled = models.list();
  for (const model of pulled) {
    output.object({ ...model, pulled: true });
    output.text(`${output.bold(model.name)}  ${factsOf(model)}`, `  ${model.directory}`);
  }
  for (const { name, about, licence, directory } of shippedModels) {
    output.object({ ...{ name, about, licence, directory }, shipped: true });
    output.text(`${output.bold(name)}  comes with TaskMem, ${licence}`, `  ${about}`, `  ${directory}`);
  }
  for (const { name, source, licence, files, about } of models.named) {
    if (pulled.some((model) => model.name === name)) continue;
    output.object({ ...{ name, source, licence, files, about }, pulled: false });
    output.text(`${name}  ${factsOf({ source, licence, files })}, not pulled`, `  ${about}`);
  }
  return exitCodes.done;
}

function factsOf({ source, licence, files }: Pick<PulledModel, "source" | "licence" | "files">): string {
  return `${source}, ${megabytes(bytesOf(files))}, ${licence ?? "licence unknown"}`;
}

async function pull(
  { output, options, signal }: Invocation,
  models: Models,
  names: string[],
): Promise<number> {
  const { as, from } = options as ModelsFlags;
  const wanted = names.length > 0 ? names : models.list().map(({ name }) => name);
  for (const name of wanted) {
    const model = await models.pull(name, {
      ...{ as, from, signal },
      onProgress: (file, bytes, total) =>
        output.progress(`${file}: ${megabytes(bytes)}${total === null ? "" : ` of ${megabytes(total)}`}`),
    });
    output.progress("");
    output.object({ event: "model-pull-end", ...model });
    output.text(`${model.name}  ${factsOf(model)}`, `  ${model.directory}`);
    if (/^meaning(?:-|$)/.test(model.name))
      output.note(
        ...(hasRuntime() ? [] : [`it runs by ${runtimePackage}: ${installLine(runtimePackage)}`]),
        "new memories are compared by meaning from now on; one written before: taskmem reindex",
      );
  }
  return exitCodes.done;
}

async function check(output: Output, models: Models, names: string[]): Promise<number> {
  let broken = 0;
  for (const name of names.length > 0 ? names : models.list().map((model) => model.name)) {
    const files = await models.check(name);
    const wrong = files.filter(({ state }) => state !== "ok");
    broken += wrong.length;
    output.object({ event: "model-check", name, ok: wrong.length === 0, files });
    if (wrong.length === 0) output.text(`${name}  ${counted(files.length, "file")}, as pulled`);
    for (const file of wrong)
      output.text(`${name}  ${file.name} is ${file.state}: taskmem models pull ${name}`);
  }
  return broken === 0 ? exitCodes.done : exitCodes.input;
}

async function remove(output: Output, models: Models, names: string[]): Promise<number> {
  for (const name of names) {
    const bytes = await models.remove(name);
    output.object({ event: "model-remove-end", name, bytes });
    output.text(`removed ${name}, ${megabytes(bytes)}`);
  }
  return exitCodes.done;
}

const bytesOf = (files: PulledModel["files"]) => files.reduce((sum, { bytes }) => sum + bytes, 0);
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
