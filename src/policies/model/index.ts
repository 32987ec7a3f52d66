/** The policy that asks a model what to remember of each clip. */
export type { PromptTemplate } from "../../policy/prompt-template.ts";
export { type ModelPolicyOptions, modelPolicy } from "./model-policy.ts";
