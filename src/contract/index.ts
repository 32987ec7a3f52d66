/** The contract: every verb of a memory with its schemas, which all surfaces print. */
import { adapter } from "./adapter.ts";
import { ask } from "./ask.ts";
import { close } from "./close.ts";
import { costs } from "./costs.ts";
import { diff } from "./diff.ts";
import { dropped, keep } from "./dropped.ts";
import { evidence } from "./evidence.ts";
import { explain } from "./explain.ts";
import { forget } from "./forget.ts";
import { adapters, learn, promote, rollback } from "./learning.ts";
import { overview } from "./overview.ts";
import { pause } from "./pause.ts";
import { people } from "./people.ts";
import { recall } from "./recall.ts";
import { remember } from "./remember.ts";
import { retry } from "./retry.ts";
import { storage } from "./storage.ts";
import { streams } from "./streams.ts";
import { feedback, record, tasks } from "./tasks.ts";
import { timeline } from "./timeline.ts";
import { trace } from "./trace.ts";

export type { Quote } from "./shapes.ts";
export { Turns } from "./turns.ts";
export { type Called, type CallOptions, call, type Effect, inputOf, type Verb, verb } from "./verb.ts";

/** All verbs, by name. */
export const verbs = {
  ...{
    ask,
    recall,
    overview,
    timeline,
    evidence,
    remember,
    tasks,
    feedback,
    learn,
    adapters,
    forget,
    streams,
    explain,
    diff,
    promote,
    rollback,
    retry,
    adapter,
    dropped,
    keep,
    storage,
    trace,
    people,
    pause,
    costs,
    close,
    record,
  },
} as const;
/** The name of a verb. */
export type VerbName = keyof typeof verbs;
