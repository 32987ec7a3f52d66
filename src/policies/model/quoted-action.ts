/**
 * The lines of a clip as its memory, word for word: where a model writes nothing usable about a clip that is text alone.
 *
 * A quote is true by construction and loses nothing but the brevity. A clip with pictures is not quoted: its lines are not
 * all that there was, so it fails, and a later run tries it again.
 */
import { type Observation, type SourceText, sourceTexts } from "../../perception/observation.ts";
import { longestText } from "../../policy/parse-action.ts";
import type { Action, Context } from "../../policy/policy.ts";
import { keptSpeaker } from "../../policy/window-people.ts";
import { saysTheSame } from "../../util/repetition.ts";
import { statementOf } from "./model-action.ts";

/** Follows a policy's revision in that of a memory that is quoted. */
const quoteMark = "+quote";

/** Whether an action's memory is quoted from its clip. */
export function isQuoted({ revision }: Action): boolean {
  return revision.endsWith(quoteMark);
}

/** Whether a clip is text alone. */
export function isTextAlone(observation: Observation): boolean {
  return observation.frames.length === 0 && sourceTexts(observation).length > 0;
}

/**
 * The quote of a clip that is text alone: its first lines, as many as a memory may be long. A clip that says only what an
 * earlier memory says has nothing new to keep.
 * @param why nothing usable was written, as a clause
 */
export function quotedAction(
  context: Context,
  { revision, countTokens, why }: { revision: string; countTokens: (text: string) => number; why: string },
): Action {
  const lines = sourceTexts(context.observations[0]!);
  const { text, shown } = quoteOf(lines, countTokens);
  const isNew = context.recent.entries.every((entry) => !saysTheSame(entry.text, text));
  const rest = lines.length - shown;
  const left = rest === 0 ? "" : ` ${rest} more ${rest === 1 ? "line is" : "lines are"} left out.`;
  return {
    text,
    statements: isNew ? [statementOf(text, "episodic", context)] : [],
    logprobs: null,
    revision: `${revision}${quoteMark}`,
    issues: [],
    leftOut: `The clip is quoted, since ${why}.${left}`,
  };
}

/** Lines as a text: each in quotation marks behind its speaker. The first is there, if only its beginning. */
function quoteOf(
  lines: readonly SourceText[],
  countTokens: (text: string) => number,
): { text: string; shown: number } {
  let [text, shown] = ["", 0];
  for (const { speaker, text: line } of lines) {
    const quote = `${speaker === null ? "" : `${keptSpeaker(speaker)}: `}“${beginningOf(line, countTokens)}”`;
    const more = shown === 0 ? quote : `${text} ${quote}`;
    if (shown > 0 && countTokens(more) > longestText) break;
    [text, shown] = [more, shown + 1];
  }
  return { text, shown };
}

/** A line, or as many of its words as a memory holds, with a little room. */
function beginningOf(line: string, countTokens: (text: string) => number): string {
  const tokens = countTokens(line);
  if (tokens <= longestText) return line;
  const characters = [...line];
  const most = Math.floor((0.95 * characters.length * longestText) / tokens);
  return `${characters
    .slice(0, most)
    .join("")
    .replace(/\s+\S*$/, "")}…`;
}
