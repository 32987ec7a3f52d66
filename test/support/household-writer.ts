/**
 * A model that writes about a household: one or two sentences about the clip a prompt names, most of them true.
 *
 * It really samples: each text is drawn from the seed and its place in the call. Where no pictures come, it says so. It judges
 * memories too: by the pictures it wrote about before, and by the kinds of things that questions ask about.
 */
import {
  addCost,
  type Completion,
  type Cost,
  type GenerateRequest,
  type Model,
  noCost,
  unknownLimits,
} from "../../src/engine.ts";
import { type Episode, type Fact, sentenceOf } from "../../src/household/index.ts";
import { kindOfQuestion, kindOfSentence } from "../../src/household/language.ts";
import { sha256 } from "../../src/util/hash.ts";
import { pick, type Random, randomInt, seededRandom, shuffle } from "../../src/util/random.ts";

/** Share of sentences that say of a clip what is true of another. */
const falseShare = 0.15;

export interface HouseholdWriter extends Model {
  readonly requests: readonly GenerateRequest[];
}

export function householdWriter(episode: Episode): HouseholdWriter {
  const requests: GenerateRequest[] = [];
  let spent: Cost = noCost;
  const facts = episode.clips.flatMap((clip) => clip.facts);
  const tell = (random: Random, fact: Fact) => {
    if (random() >= falseShare) return sentenceOf(fact);
    return sentenceOf(
      pick(
        random,
        facts.filter(({ kind }) => kind === fact.kind),
      ),
    );
  };
  const write = (request: GenerateRequest, random: Random): string => {
    const text = request.parts.map((part) => (part.type === "text" ? part.text : "")).join("\n");
    const [hours, minutes, seconds] = (/The clip runs from (\d+):(\d+):(\d+)/.exec(text) ?? [])
      .slice(1)
      .map(Number);
    if (hours === undefined) return "ok";
    if (!request.parts.some(({ type }) => type === "video")) {
      const heard = fenced(text, "stream").split("\n").at(-1);
      return `Nothing can be seen at ${hours}:${minutes}:${seconds}. What is heard: ${heard}`;
    }
    const place = Math.floor((hours * 3600 + minutes! * 60 + seconds!) / 10);
    for (const picture of ownPicturesOf(request)) seen.set(picture, place);
    const clip = episode.clips[place]!;
    const told = shuffle(random, clip.facts).slice(0, 1 + randomInt(random, 2));
    return told.map((fact) => tell(random, fact)).join(" ");
  };
  /** The clip a picture is of, by its bytes. */
  const seen = new Map<string, number>();
  /** Pictures of the clip a request is about, the last run of them. */
  const ownPicturesOf = ({ parts }: GenerateRequest) => {
    const run = parts.findLast(({ type }) => type === "video");
    return run?.type === "video" ? run.frames.map(({ jpeg }) => sha256(jpeg)) : [];
  };
  const fenced = (text: string, name: string) =>
    new RegExp(`<${name}>\n([^]*?)\n</${name}>`).exec(text)?.[1] ?? "";
  const sentences = (text: string) => text.split(/(?<=[.?!])\s+/).filter(Boolean);
  const judge = (request: GenerateRequest): Record<string, unknown> => {
    const text = request.parts.map((part) => (part.type === "text" ? part.text : "")).join("\n");
    if (request.schema!.name.startsWith("correctness")) {
      const clip = ownPicturesOf(request).flatMap((hash) => seen.get(hash) ?? [])[0];
      const truths = new Set((clip === undefined ? [] : episode.clips[clip]!.facts).map(sentenceOf));
      return { correct: sentences(fenced(text, "memory")).every((sentence) => truths.has(sentence)) };
    }
    if (request.schema!.name.startsWith("cleanness")) return { clean: true };
    const kinds = new Set<string | null>(
      fenced(text, "questions")
        .split("\n")
        .map((line) => kindOfQuestion(line.replace(/^- /, ""))),
    );
    const told = (name: string) =>
      sentences(fenced(text, name)).filter((sentence) => kinds.has(kindOfSentence(sentence))).length;
    const more = told("first") - told("second");
    return { moreUseful: more === 0 ? "tie" : more > 0 ? "first" : "second" };
  };
  return {
    id: "household",
    requests,
    cost: () => spent,
    capabilities: async () => ({
      images: true,
      video: true,
      jsonSchema: true,
      samples: true,
      logprobs: false,
      ...unknownLimits,
    }),
    generate: async (request) => {
      requests.push(request);
      const { n = 1, sampling = {} } = request;
      const completions = Array.from({ length: n }, (_, i): Completion => {
        const seed = sampling.temperature === 0 ? "greedy" : `${sampling.seed} ${i}`;
        const isVerdict = request.schema?.name.endsWith("_of_memory") ?? false;
        if (isVerdict) {
          const verdict = JSON.stringify({ rationale: "So it is.", ...judge(request) });
          return { text: verdict, thinking: null, finish: "stop", tokens: null };
        }
        const written = write(request, seededRandom(seed));
        const text = request.schema ? JSON.stringify({ description: written }) : written;
        return { text, thinking: null, finish: "stop", tokens: null };
      });
      const cost = { calls: 1, promptTokens: 1000, completionTokens: 20 * n, usd: 0 };
      spent = addCost(spent, cost);
      return { completions, cost };
    },
  };
}
