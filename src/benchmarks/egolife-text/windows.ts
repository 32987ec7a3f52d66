/** A stream of texts cut into windows, each decided at once, and what the shipped choice policy keeps of them. */
import type { WordSpace } from "../../engine.ts";
import type { Observation } from "../../perception/observation.ts";
import type { Context, Policy } from "../../policy/policy.ts";
import { freshState, stateAfter } from "../../policy/state.ts";
import type { Corpus } from "../datasets/egolife-text/corpus.ts";

/** Some seconds of the stream in which something is said or seen. */
export interface TextWindow {
  readonly startSeconds: number;
  /** Its entries, ascending. */
  readonly entries: readonly number[];
  /** Of all its lines. */
  readonly tokens: number;
  readonly observation: Observation;
}

/** Windows of `seconds` with anything in them, in order of time. */
export function cutWindows({ entries, tokens }: Corpus, seconds: number): TextWindow[] {
  const groups = Map.groupBy(entries.keys(), (i) => Math.floor(entries[i]!.startSeconds / seconds));
  return [...groups].map(([index, members]) => {
    const textsOf = (kind: "speech" | "caption") =>
      members.flatMap((i) => {
        const { startSeconds, endSeconds, text, speaker, kind: its } = entries[i]!;
        return its === kind ? [{ startSeconds, endSeconds, text, speaker }] : [];
      });
    return {
      startSeconds: index * seconds,
      entries: members,
      tokens: members.reduce((sum, i) => sum + tokens[i]!, 0),
      observation: {
        stream: "week",
        clip: index,
        startSeconds: index * seconds,
        endSeconds: (index + 1) * seconds,
        frames: [],
        speech: textsOf("speech"),
        captions: textsOf("caption"),
        screen: [],
        shots: [],
        people: [],
        tiers: {},
        problems: [],
      },
    };
  });
}

/** A decision of a policy about one window. */
export interface WindowDecision {
  readonly window: TextWindow;
  readonly policy: Policy;
  readonly context: Context;
}

/**
 * What a policy keeps of a stream that it sees for the first time, 1 for kept entries, shape [N].
 * @param policyFor the policy in force at a window
 * @param visit shown each decision before it is taken
 */
export async function keepByPolicy(
  { entries }: Corpus,
  windows: readonly TextWindow[],
  policyFor: (window: TextWindow) => Policy,
  visit?: (decision: WindowDecision) => Promise<void>,
): Promise<Uint8Array> {
  const kept = new Uint8Array(entries.length);
  let state = freshState();
  for (const window of windows) {
    const policy = policyFor(window);
    const context: Context = {
      observations: [window.observation],
      recent: { observations: [], entries: [] },
      state,
    };
    await visit?.({ window, policy, context });
    const [action] = (await policy.decide(context)).actions;
    if (!action) continue;
    const sources = new Set(action.statements.map(({ sources: [source] }) => placeOf(source!)));
    for (const i of window.entries) {
      // Of a line said twice in one window only the first is kept.
      if (sources.delete(placeOf(entries[i]!))) kept[i] = 1;
    }
    state = stateAfter(state, policy.advance(context, action));
  }
  return kept;
}

function placeOf({
  kind,
  startSeconds,
  text,
  speaker,
}: {
  readonly kind: string;
  readonly startSeconds: number;
  readonly text: string;
  readonly speaker: string | null;
}): string {
  return JSON.stringify([kind, startSeconds, speaker, text]);
}

/** The same word space, which remembers what it was asked: a benchmark reads each line dozens of times. */
export function rememberingWords(words: WordSpace): WordSpace {
  const remember = <T>(compute: (text: string) => T) => {
    const known = new Map<string, T>();
    return (text: string): T => {
      const found = known.get(text);
      if (found !== undefined) return found;
      const made = compute(text);
      known.set(text, made);
      return made;
    };
  };
  return {
    id: words.id,
    dimension: words.dimension,
    countTokens: remember((text) => words.countTokens(text)),
    stems: remember((text) => words.stems(text)),
    bucket: remember((stem) => words.bucket(stem)),
  };
}
