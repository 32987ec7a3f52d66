/** How the local reader answers questions of the whole: an overview in quotations, or a fact of the recording. */
import type { AskedOfWhole, Fact } from "../../answer/asked.ts";
import type { Reading, ReadRequest } from "../../answer/reader.ts";
import { noCost, type WordSpace } from "../../engine.ts";
import type { Entry, FloorRow } from "../../memory/memory.ts";
import {
  dateText,
  isSilent,
  lengthText,
  lightText,
  mayHoldSpeech,
  motionText,
  shotsText,
  soundText,
} from "../../perception/look-text.ts";
import { formatMoment } from "../../util/time.ts";

/** Most memories that an overview quotes, and most streams that are spoken of one by one. */
const mostQuoted = 8;
/** Most tokens of the memories that an overview quotes; one is quoted whatever its length. */
const overviewTokens = 400;
const mostStreams = 5;

/** The reading of a question of the whole; `null` where nothing is known of the recording. */
export function readWhole(request: ReadRequest, whole: AskedOfWhole, words: WordSpace): Reading | null {
  const { recalled } = request;
  if (whole.of === "people") return sightings(request, whole);
  const floor = (request.floor ?? []).slice(0, mostStreams);
  if (whole.of === "overview")
    return overview(
      recalled.map(({ entry }) => entry),
      floor,
      words,
    );
  const facts = floor.flatMap((row) => {
    const fact = factOf(whole.of as Fact, row);
    return fact === null ? [] : [{ id: row.id, text: floor.length > 1 ? `${row.stream}: ${fact}` : fact }];
  });
  if (facts.length > 0) return reading(facts);
  return floor.length === 0 ? null : abstain(unknown[whole.of]);
}

/** Most moments at which one person was there that are told. */
const mostMoments = 10;

/** Who was there in each stream, or when one was. */
function sightings({ recalled, clocks }: ReadRequest, { speakers }: AskedOfWhole): Reading {
  const byStream = [...Map.groupBy(recalled, ({ entry }) => entry.stream)];
  const told = byStream.flatMap(([stream, own]) => {
    const entries = own.map(({ entry }) => entry);
    const where = byStream.length > 1 ? stream : "";
    return speakers === undefined
      ? whoWasThere(entries).map((line) => [where, line])
      : entries.slice(0, mostMoments).map(({ startSeconds, text }) => {
          const at = formatMoment(startSeconds, clocks?.get(stream) ?? { kind: "media" });
          return [`${at} ${where}`.trimEnd(), text];
        });
  });
  const cited = [...new Set(recalled.map(({ entry }) => entry.id))].slice(0, mostMoments);
  const answer = told.map((parts) => parts.filter((part) => part !== "").join(": ")).join("\n");
  return { answer, option: null, abstained: false, cited, cost: noCost };
}

/** "Mia and Tom are seen." */
function whoWasThere(entries: readonly Entry[]): string[] {
  return ["seen.", "heard."].flatMap((how) => {
    const own = entries.map(({ text }) => text.split(/ is (?=\S+$)/));
    const names = [...new Set(own.flatMap(([name, end]) => (end === how ? [name!] : [])))];
    const all = names.length < 2 ? names[0] : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
    return all === undefined ? [] : [`${all} ${names.length > 1 ? "are" : "is"} ${how}`];
  });
}

/** What is said where a fact is not known. */
const unknown: { readonly [Name in Fact]: string } = {
  length: "How long it is, is not known.",
  date: "When it was recorded is not known: the recording does not say.",
  sound: "Whether it has sound is not known.",
  speech: "Whether it has speech is not known.",
  motion: "Whether anything moves is not known: no look at its pictures is kept.",
  light: "How bright it is, is not known: no look at its pictures is kept.",
  size: "Its size is not known.",
  shots: "It has no pictures.",
};

function overview(entries: readonly Entry[], floor: readonly FloorRow[], words: WordSpace): Reading {
  const told = floor.map(({ id, stream, text }) => ({
    id,
    text: floor.length > 1 ? `${stream}: ${text}` : text,
  }));
  if (entries.length > 0) return reading([...told, ...withinBudget(tellingEntries(entries, words), words)]);
  const known = told.map(({ text }) => ` All that is known: ${text}`).join("");
  return abstain(`Nothing is remembered of what was said or shown.${known}`);
}

function abstain(answer: string): Reading {
  return { answer, option: null, abstained: true, cited: [], cost: noCost };
}

/** Of entries in time order, the one that says most in each of some parts of equal size. */
function tellingEntries(entries: readonly Entry[], words: WordSpace): Entry[] {
  const says = ({ text }: Entry) => new Set(words.stems(text)).size;
  const parts = Math.min(mostQuoted, entries.length);
  return Array.from({ length: parts }, (_, i) => {
    const from = Math.floor((i * entries.length) / parts);
    const to = Math.floor(((i + 1) * entries.length) / parts);
    return entries.slice(from, to).reduce((best, entry) => (says(entry) > says(best) ? entry : best));
  });
}

/** The shortest of some entries that fit the budget, in their order. */
function withinBudget(entries: readonly Entry[], words: WordSpace): Entry[] {
  const length = ({ text }: Entry) => words.countTokens(text);
  let total = 0;
  const kept = new Set<Entry>();
  for (const entry of entries.toSorted((a, b) => length(a) - length(b))) {
    total += length(entry);
    if (total <= overviewTokens || kept.size === 0) kept.add(entry);
  }
  return entries.filter((entry) => kept.has(entry));
}

function reading(told: readonly { readonly id: string; readonly text: string }[]): Reading {
  return {
    answer: told.map(({ text }) => text).join("\n"),
    option: null,
    abstained: false,
    cited: told.map(({ id }) => id),
    cost: noCost,
  };
}

function factOf(fact: Fact, { startSeconds, endSeconds, watchedSeconds, look }: FloorRow): string | null {
  const { picture, sound, lines, recordedAtMs } = look;
  switch (fact) {
    case "length":
      return endSeconds - startSeconds - watchedSeconds < 1
        ? `It is ${lengthText(watchedSeconds)} long.`
        : `${lengthText(watchedSeconds)} of it were watched, over ${lengthText(endSeconds - startSeconds)}.`;
    case "date":
      return recordedAtMs === null ? null : `It was recorded ${dateText(recordedAtMs)}, as it says itself.`;
    case "sound":
      if (sound === null) return "It has no sound.";
      return isSilent(sound)
        ? "It has a sound track, which is silent."
        : `It has ${soundText(sound)}, at ${Math.round(sound.levelDb)} dB of full scale on average.`;
    case "speech":
      if (lines.said > 0) return `Yes: ${lines.said} lines of speech are known.`;
      if (sound === null) return "No: it has no sound.";
      if (isSilent(sound)) return "No: its sound is silence.";
      if (sound.byVoice)
        return mayHoldSpeech(sound)
          ? `Yes: somebody speaks for ${lengthText(sound.speechSeconds)}. No words of it are known.`
          : `No: it has ${soundText(sound)}.`;
      return mayHoldSpeech(sound)
        ? `Perhaps: it has ${soundText(sound)}. No words of it are known.`
        : `Probably not: it has ${soundText(sound)}.`;
    case "motion":
      return picture?.changed == null ? null : `By a cheap look, ${motionText(picture.changed)}.`;
    case "light":
      return picture?.brightness == null ? null : `The picture is ${lightText(picture.brightness)}.`;
    case "size":
      return picture?.width && picture.height ? `It is ${picture.width}×${picture.height}.` : null;
    case "shots":
      return picture === null ? null : `It has ${shotsText(picture)}.`;
  }
}
