/**
 * What two adapters keep of the same clips, side by side: the observations that are still kept are shown once more to the
 * policy with the one and with the other, as it acts. Nothing is written.
 *
 * Each stream is shown from the first observation that is kept, so that both begin alike; what is told is of the span that was
 * asked for. A policy that looks is shown the clips that still have their pictures.
 */
import type { Observation } from "../perception/observation.ts";
import { sourceTexts } from "../perception/observation.ts";
import type { ContextLimits } from "../policy/context.ts";
import type { Policy } from "../policy/policy.ts";
import { attemptsOf, withPictures } from "../training/replay.ts";
import { countTokens } from "../util/count-tokens.ts";

/** One decision by both. */
export interface DecisionDiff {
  readonly stream: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** What both keep, word for word. */
  readonly both: readonly string[];
  /** What only the first keeps: the second drops it. */
  readonly onlyBefore: readonly string[];
  /** What only the second keeps. */
  readonly onlyAfter: readonly string[];
  /** Texts that perception found and neither keeps. */
  readonly neither: readonly string[];
}

/** How much one of them keeps. */
export interface KeptAmount {
  readonly memories: number;
  readonly tokens: number;
}

/** What two policies keep of the same clips. */
export interface PolicyDiff {
  /** Revisions. */
  readonly before: string;
  readonly after: string;
  readonly keptBefore: KeptAmount;
  readonly keptAfter: KeptAmount;
  /** Memories that both keep, word for word. */
  readonly keptByBoth: number;
  /** All decisions in the span, by stream, then start. */
  readonly decisions: readonly DecisionDiff[];
}

/** What is shown to both. */
export interface DiffMaterial {
  /** Observations of each stream, in order. */
  readonly streams: readonly (readonly Observation[])[];
  /** The policies, which may differ from stream to stream: a pushed one is decided second by second. */
  readonly policies: (observations: readonly Observation[]) => Promise<readonly [Policy, Policy]>;
  /** Whether a clip is in the span that is told of. */
  readonly isTold: (observation: Observation, ofStream: readonly Observation[]) => boolean;
  readonly limits: ContextLimits;
  readonly signal?: AbortSignal | undefined;
}

/** Shows the material to both policies. @throws EngineError as they */
export async function diffPolicies({
  streams,
  policies,
  isTold,
  limits,
  signal,
}: DiffMaterial): Promise<PolicyDiff> {
  const decisions: DecisionDiff[] = [];
  let revisions = ["", ""];
  for (const kept of streams) {
    const pair = await policies(kept);
    revisions = pair.map(({ revision }) => revision);
    const observations = pair[0].seesPictures === false ? kept : withPictures(kept);
    const [before, after] = [
      await keptIn(pair[0], observations, { limits, signal }),
      await keptIn(pair[1], observations, { limits, signal }),
    ];
    for (const [clip, first] of before) {
      const told = first.group.filter((observation) => isTold(observation, observations));
      if (told.length === 0) continue;
      decisions.push(decisionDiff(first, after.get(clip)?.lines ?? []));
    }
  }
  const of = (names: readonly ("both" | "onlyBefore" | "onlyAfter")[]) => {
    const lines = decisions.flatMap((one) => names.flatMap((name) => one[name]));
    return { memories: lines.length, tokens: lines.reduce((sum, line) => sum + countTokens(line), 0) };
  };
  return {
    ...{ before: revisions[0]!, after: revisions[1]!, decisions },
    ...{ keptBefore: of(["both", "onlyBefore"]), keptAfter: of(["both", "onlyAfter"]) },
    keptByBoth: of(["both"]).memories,
  };
}

/** What was kept of the clips of one decision. */
interface KeptLines {
  readonly group: readonly Observation[];
  readonly lines: readonly string[];
  /** Texts of perception that these lines were made of. */
  readonly sources: ReadonlySet<string>;
}

/** What a policy keeps of a stream, by the first clip of each decision. What breaks the output contract keeps nothing. */
async function keptIn(
  policy: Policy,
  observations: readonly Observation[],
  options: Pick<DiffMaterial, "limits" | "signal">,
): Promise<Map<number, KeptLines>> {
  const kept = new Map<number, KeptLines>();
  for await (const { context, action } of attemptsOf(policy, observations, options)) {
    const statements = action.issues.length > 0 ? [] : action.statements;
    kept.set(context.observations[0]!.clip, {
      group: context.observations,
      lines: statements.map(({ text }) => text),
      sources: new Set(statements.flatMap(({ sources }) => sources.map(({ text }) => text))),
    });
  }
  return kept;
}

function decisionDiff({ group, lines, sources }: KeptLines, after: readonly string[]): DecisionDiff {
  const isKept = (text: string) =>
    sources.has(text) || [...lines, ...after].some((line) => line.includes(text));
  const texts = new Set(group.flatMap(sourceTexts).map(({ text }) => text));
  return {
    ...{ stream: group[0]!.stream, startSeconds: group[0]!.startSeconds },
    endSeconds: group.at(-1)!.endSeconds,
    both: lines.filter((line) => after.includes(line)),
    onlyBefore: lines.filter((line) => !after.includes(line)),
    onlyAfter: after.filter((line) => !lines.includes(line)),
    neither: [...texts].filter((text) => !isKept(text)),
  };
}
