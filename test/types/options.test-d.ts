/** What the compiler refuses: options that do not exist, values they may not have, wrong keys of filters. */

import { openaiModel } from "../../src/engines/openai/index.ts";
import {
  type Config,
  choicePolicy,
  createPerceptors,
  defineConfig,
  type EntryFilter,
  isTaskMemError,
  type Memory,
  openMemory,
  openSource,
  type Source,
  wordSpace,
} from "../../src/index.ts";
import { sameType } from "./same.ts";

declare const memory: Memory;

// An unknown key in a filter would otherwise return everybody's entries.
memory.entries({ streams: ["kitchen"] });
// @ts-expect-error: the key is `streams`
memory.entries({ stream: "kitchen" });
// @ts-expect-error: a list of streams
memory.entries({ streams: "kitchen" });
// @ts-expect-error: entries are episodic or semantic
({ kinds: ["procedural"] }) satisfies EntryFilter;

openMemory("./memory", { readOnly: true });
// @ts-expect-error: the option is `readOnly`
openMemory("./memory", { readonly: true });
// @ts-expect-error: a memory has a directory
openMemory();

openSource("talk.mp4", { clipSeconds: 10 });
// @ts-expect-error: seconds are a number
openSource("talk.mp4", { clipSeconds: "10" });
sameType<Awaited<ReturnType<typeof openSource>>, Source>(true);

choicePolicy({ words: wordSpace });
// @ts-expect-error: the policy counts in a word space
choicePolicy({});
// @ts-expect-error: there is no such sense
createPerceptors({ smell: true });

openaiModel({ baseURL: "http://localhost:8000/v1", model: "eyes", fetch: globalThis.fetch });
// @ts-expect-error: frames, video or auto
openaiModel({ baseURL: "http://localhost:8000/v1", model: "eyes", video: "stills" });

defineConfig({ policy: "choice", stream: { clipSeconds: 5 } });
// @ts-expect-error: no policy has that name
defineConfig({ policy: "telepathy" });
// @ts-expect-error: no option has that name
defineConfig({ polcy: "choice" });
sameType<Config["stream"]["clipSeconds"], number>(true);

export function retryLater(error: unknown): boolean {
  // @ts-expect-error: no error has that code
  isTaskMemError(error, "budget-spend");
  if (!isTaskMemError(error, "budget-spent")) return false;
  sameType<typeof error.code, "budget-spent">(true);
  return error.message !== "";
}
