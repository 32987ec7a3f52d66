/**
 * Questions that no single memory answers: what it is all about, and what is known of the recording itself. They are
 * recognised by their English wording, and only where nothing else is asked: "What happened to the kettle?" is an
 * ordinary question. No policy learns from them, because they name nothing to remember.
 */

import type { Question } from "../tasks/task.ts";
import { spanCounts } from "./words/span-counts.ts";

/** A fact of the recording that may be asked for. */
export type Fact = "length" | "date" | "sound" | "speech" | "motion" | "light" | "size" | "shots";

/** What a question asks of the whole. */
export interface AskedOfWhole {
  /** `overview` for what it is about or what happened, `people` for who was there, otherwise the fact. */
  readonly of: "overview" | "people" | Fact;
  /** The part it is about, in seconds from the start or before the end; `null` for all of it. */
  readonly part: { readonly from: "start" | "end"; readonly seconds: number } | null;
  /** Only what these people say or are named in; of `people`, only when they were there. @default everybody */
  readonly speakers?: readonly string[];
}

const there =
  "(?:there|here|seen|shown|around|present|in view|in the (?:room|picture|frame|video|film|clip|recording))";
const whoWasThere = [
  `who (?:is|was|were|are|has been|can be|could be) (?:all )?${there}`,
  "who (?:do|did|can|could) (?:you|we|i) see",
  "who (?:came|comes|appeared|appears|showed up)(?: in| by)?(?: (?:here|there))?",
  `how many people (?:are|were) ${there}`,
].join("|");
const wasOneThere = [
  `(?:when |at what times? )?(?:is|was|were|has|have) (.{1,40}?) (?:been )?(?:last |first |ever )?${there}`,
  "(?:when (?:did|do)|did) (?:you|we|i) (?:last |first |ever )?see (.{1,40}?)",
  "(?:when )?(?:did|does) (.{1,40}?) (?:come|appear|show up|arrive)(?: (?:here|there))?",
].join("|");
const who = new RegExp(`^(?:${whoWasThere})$`);
const one = new RegExp(`^(?:${wasOneThere})$`);

/**
 * Who was there, or when one was: "Who was there?", "When was Mia here?". Whether such a person is known is for the memory
 * to say; `null` for another question.
 */
export function askedOfPeople({ text, options }: Question): AskedOfWhole | null {
  if (options.length > 0) return null;
  const plain = plainly(text);
  if (who.test(plain)) return { of: "people", part: null };
  const name = one
    .exec(plain)
    ?.slice(1)
    .find((found) => found !== undefined);
  return name === undefined ? null : { of: "people", part: null, speakers: [name] };
}

const plainly = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll("’", "'")
    .replace(/[?!.,;¿？。]+/g, " ")
    .replace(/\s+/g, " ")
    .trim();

const ofTime =
  /^(?:so |and )?what (?:did|was|were|has|have|is|are) (.{1,40}?) (?:do|doing|done|say|saying|said|up to|talk(?:ing)? about|see|busy with)$/;
const everybody = /^(?:we|i|they|you|everyone|everybody|people|the (?:family|team|group|others))$/;

/**
 * What a question about a time asks, apart from that time: "What did Ann do (yesterday)?" asks for all of it. `null` for
 * a question about something in it.
 */
export function askedOfTime({ text, options }: Question): AskedOfWhole | null {
  if (options.length > 0) return null;
  const plain = text
    .replace(/[?!.,;]+/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  const [, who] = ofTime.exec(plain.toLowerCase()) ?? [];
  if (who === undefined) return null;
  return { of: "overview", part: null, ...(!everybody.test(who) && { speakers: [who] }) };
}

const it = String.raw`(?:(?:this|the|that|it|these|those|your|my)\b ?)?(?:whole |entire )?(?:video|film|clip|recording|movie|footage|stream|audio|sound|memory|talk|meeting|episode|file|scene|day|it|this|that)?s?`;

const patterns: readonly (readonly [AskedOfWhole["of"], RegExp])[] = (
  [
    [
      "overview",
      `(?:what|tell me what|say what) (?:has |have |is |was |were )?(?:happen(?:s|ed|ing)?|occur(?:s|red)?|going on|goes on|went on)(?: (?:in|during|on|at|of))? ?${it}(?: here| there| so far| overall)?`,
    ],
    ["overview", `what(?:'s| is| was| are)? ?${it} (?:all )?about`],
    [
      "overview",
      "what (?:was|is|has been) (?:said|told|heard|shown|seen|done|discussed|(?:talked|spoken) about)",
    ],
    [
      "overview",
      `(?:please )?(?:summari[sz]e|recap|describe|sum up|give (?:me )?an? (?:short |brief )?(?:summary|overview|recap)(?: of| about)?|what(?:'s| is) the (?:summary|gist)(?: of)?|(?:an? )?(?:summary|overview)(?: of)?) ?(?:what happened in ?)?${it}`,
    ],
    [
      "overview",
      `(?:list|show|tell me|give me|summari[sz]e)? ?(?:everything|all)(?: that happened)?(?: ?${it})?`,
    ],
    [
      "overview",
      `(?:was (?:ist|war)(?: ${it})?(?: alles)? (?:passiert|geschehen|los)|was (?:passierte|geschah)|worum geht es|zusammenfassung|fasse? (?:alles )?zusammen|qu'est-ce qui s'est pass[ée]|que s'est-il pass[ée]|de quoi s'agit-il|r[ée]sum[ée]|¿?qu[ée] (?:pas[óo]|ha pasado|sucedi[óo])|¿?de qu[ée] (?:trata|se trata)|resumen|(?:che )?cosa [èe] successo|di cosa (?:si tratta|parla)|riassunto|(?:o )?que aconteceu|do que se trata|resumo|wat (?:is er gebeurd|gebeurde er)|samenvatting|co si[ęe] (?:sta[łl]o|wydarzy[łl]o)|что (?:случилось|произошло|было)|о чем это|ne oldu|vad h[äa]nde|hvad skete(?: der)?|hva skjedde|发生了什么(?:事)?|何がありましたか|何が起きましたか|무슨 일이 있었나요|무슨 일이 있었습니까)`,
    ],
    [
      "overview",
      `what (?:do you (?:remember|know)|did you (?:see|hear|see and hear|watch|notice)|did i miss|is (?:remembered|known|there|in memory)|can you tell me)(?: (?:about|of|in|from))? ?${it}`,
    ],
    [
      "length",
      `how (?:long|many (?:seconds|minutes|hours)(?: long)?) (?:is|was|are|does|did|lasts?) ?${it}(?: last| run| take| go on)?(?: for)?`,
    ],
    ["length", `(?:what (?:is|was) )?(?:the )?(?:length|duration|running time)(?: of ${it})?`],
    [
      "date",
      `(?:when|(?:on|at|in) (?:what|which) (?:date|day|time|month|year)) (?:is|was|were) ?${it} (?:recorded|filmed|shot|taken|made|captured)(?: at| on)?`,
    ],
    ["date", `(?:what (?:is|was) )?(?:the )?(?:recording date|date(?: of ${it})?|recording time)`],
    [
      "sound",
      `(?:is|was) there (?:any |a )?(?:sound|audio|noise|sound track|soundtrack)(?: (?:in|on) ${it})?`,
    ],
    [
      "sound",
      `(?:does|did|has|is) ?${it} (?:have |has )?(?:any |a )?(?:sound|audio|silent|mute|muted|soundtrack)`,
    ],
    ["sound", `(?:is|was) ?${it} (?:loud|quiet)|how loud (?:is|was) ?${it}`],
    [
      "speech",
      `(?:is|was|are|were) (?:there )?(?:any |an?)?(?:speech|speaking|talking|voices?|anyone|anybody|someone|somebody|people|one|words)(?: (?:speaking|talking|spoken|heard))?(?: (?:in|on) ${it})?`,
    ],
    [
      "speech",
      `(?:does|do|did) (?:anyone|anybody|someone|somebody|people|they) (?:speak|talk|say (?:anything|something))(?: (?:in|on) ${it})?`,
    ],
    [
      "motion",
      `(?:does|did|is|was) (?:anything|something|there any(?:thing)?) ?(?:move|moving|movement|motion)(?: in ${it})?`,
    ],
    [
      "light",
      `(?:is|was) ?${it} (?:dark|bright|day|night|daytime|light)(?: or (?:dark|bright|day|night|light))?`,
    ],
    ["size", `(?:what (?:is|was) )?(?:the )?(?:resolution|picture size|size of the picture)(?: of ${it})?`],
    ["shots", `how many (?:shots|cuts|scenes)(?: (?:are|were) there| does ${it} have)?(?: in ${it})?`],
  ] as const
).map(([of, pattern]) => [of, new RegExp(`^(?:${pattern})$`)]);

const ends = /(?:^| )(?:at|in|near|towards?) the (?:very )?(start|beginning|end)(?: of it)?$/;
/** What "at the beginning" is about, in seconds. */
const endSeconds = 60;

const part =
  /(?:^| )(?:in |during |over |from |of |for )?(?:the |its )?(last|past|final|first|opening) ?(\d+|[a-z]+)? ?(second|minute|hour|sec|min|s|h)s?\b/;

/** What a question asks of the whole, or `null` for a question about something in it. */
export function askedOfWhole({ text, options }: Question): AskedOfWhole | null {
  if (options.length > 0) return null;
  const plain = plainly(text);
  const end = ends.exec(plain);
  if (end) {
    const [of] = patterns.find(([, pattern]) => pattern.test(plain.slice(0, end.index).trim())) ?? [];
    const from = end[1] === "end" ? "end" : "start";
    if (of === "overview") return { of, part: { from, seconds: endSeconds } };
  }
  const span = part.exec(plain);
  const n = span ? (spanCounts[span[2] ?? ""] ?? Number(span[2])) : 0;
  const rest = span && n > 0 ? plain.replace(span[0], " ").replace(/\s+/g, " ").trim() : plain;
  const [of] = patterns.find(([, pattern]) => pattern.test(rest)) ?? [];
  if (of === undefined) return null;
  if (!span || !(n > 0)) return { of, part: null };
  const unit = span[3]!.startsWith("h") ? 3600 : span[3]!.startsWith("m") ? 60 : 1;
  const from = span[1] === "first" || span[1] === "opening" ? "start" : "end";
  return { of, part: { from, seconds: n * unit } };
}
