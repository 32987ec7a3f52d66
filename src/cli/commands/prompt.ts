/** `taskmem prompt`: prints the words of the memory prompt as a template. */
import { loadConfig } from "../../config.ts";
import { printPromptTemplate } from "../../policy/prompt-template.ts";
import { configuredTemplate } from "../../taskmem/assembly.ts";
import type { Invocation } from "../invocation.ts";

export async function run({ output, flags, configFile }: Invocation): Promise<void> {
  // A file can be checked before there is a model for it.
  const { "model.promptTemplate": own, ...others } = flags;
  const { model, ...config } = await loadConfig(others, { file: configFile });
  const template = configuredTemplate({
    ...config,
    model: { ...model, ...(own !== undefined && { promptTemplate: String(own) }) },
  });
  output.object({ event: "prompt-end", ...template });
  output.text(...printPromptTemplate(template).trimEnd().split("\n"));
}
