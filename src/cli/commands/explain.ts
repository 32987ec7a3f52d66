/** `taskmem explain`: which stage lost the answer to a question, and the evidence. */
import { call, verbs } from "../../contract/index.ts";
import { momentFlag } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import { openFor } from "../open.ts";
import { questionFlag } from "../question.ts";

interface ExplainFlags {
  readonly task?: string;
  readonly expected?: string;
  readonly at?: string;
  readonly option?: string[];
  readonly stream?: string[];
  readonly asOf?: string;
  readonly speaker?: string[];
}

export async function run(invocation: Invocation, text?: string): Promise<void> {
  const { output, signal, options } = invocation;
  const { task, expected, at, option = [], stream, asOf, speaker } = options as ExplainFlags;
  const asked = text === undefined ? null : await questionFlag(text, option, signal);
  await using memory = await openFor(invocation, { mustExist: true, readOnly: "if-needed" });
  const streams = await memory.streams(stream);
  const input = {
    ...(asked && { question: asked.text }),
    ...(asked && option.length > 0 && { options: option }),
    ...(task !== undefined && { task }),
    ...(expected !== undefined && { expected }),
    ...(at !== undefined && { atSeconds: momentFlag("--at", at, streams) }),
    ...(stream && { streams: stream }),
    ...(asOf !== undefined && { asOfSeconds: momentFlag("--as-of", asOf, streams) }),
    ...(speaker && { speakers: speaker }),
  };
  const { output: miss, text: shown } = await call(memory, verbs.explain, input, { signal });
  output.object({ event: "explain-end", ...miss });
  const [first, ...rest] = shown.split("\n");
  output.text(output.bold(first!), ...rest.map((line) => `  ${line}`));
}
