/**
 * EgoLife's week of one wearer as text: what was said and what captions tell in order of time, and the questions.
 *
 * Read are the questions of the first file that `bench egolife` would read, by the same rules,
 * `EgoLifeCap/Transcript/<who>/DAY*` (cues of two lines, Chinese then English) and, for the captions,
 * `EgoLifeCap/DenseCaption/translated` (English) or `EgoLifeCap/DenseCaption/<who>` (Chinese). A row that cannot be
 * read is left out and listed; so are transcripts or captions that are missing, of all hours or of some. Without
 * questions, or without either, there is nothing to run.
 */
import { existsSync, globSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { DataError } from "../../../errors.ts";
import { seededRandom, shuffle } from "../../../util/random.ts";
import type { SkippedRow } from "../../task.ts";
import { type EgoLifeTask, egoLifeFiles, egoLifeRows } from "../egolife.ts";
import { gatherTasks, optionalText, readAnnotations } from "../files/annotations.ts";
import { indexMedia } from "../files/media-index.ts";
import {
  type Language,
  readCaptions,
  readTranscript,
  readTranslated,
  type TextEntry,
} from "../files/transcripts.ts";

/** A question of the week. */
export interface WeekTask extends EgoLifeTask {
  /** Words of the answer's evidence. */
  readonly keywords: string;
}

/** A week of one wearer as texts, and what is asked of it. */
export interface EgoLifeText {
  readonly wearer: string;
  readonly language: Language;
  /** In order of time. */
  readonly entries: readonly TextEntry[];
  /** In the order they were asked. */
  readonly questions: readonly WeekTask[];
  /** Speakers that have a name. */
  readonly names: readonly string[];
  readonly skipped: readonly SkippedRow[];
  /** What was found, in a sentence. */
  readonly found: string;
  /** What was not found, and what was read otherwise than written, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Reads a week below a folder.
 * @param annotations questions to read instead of those found below `root`
 * @throws DataError where there are no questions or no texts
 */
export async function loadEgoLifeText(
  root: string,
  language: Language,
  annotations?: string,
): Promise<EgoLifeText> {
  const [file, ...others] = egoLifeFiles(await indexMedia(root), root, annotations);
  const { rows, wearer, notes } = egoLifeRows(file!, language);
  const { tasks, skipped } = gatherTasks(
    rows.map((row) => ({
      ...row,
      read: () => ({ ...row.read(), keywords: optionalText(row.fields, "keywords") ?? "" }),
    })),
  );
  const folder = join(root, "EgoLifeCap");
  const said = hourFiles(join(folder, "Transcript", wearer), "DAY*/*.srt");
  const seen =
    language === "en"
      ? hourFiles(join(folder, "DenseCaption", "translated"), `${wearer}_*.jsonl`)
      : hourFiles(join(folder, "DenseCaption", wearer), "DAY*/*.srt");
  if (said.paths.length + seen.paths.length === 0) {
    const path = `${said.place} or ${seen.place}`;
    const expected = `Expected EgoLife's ${path}, found none: give the folder that holds EgoLifeQA and EgoLifeCap as --root`;
    throw new DataError("file-missing", expected, { details: { path } });
  }
  const readSeen = language === "en" ? readTranslated : readCaptions;
  const speech = said.paths.flatMap((path) => readTranscript(path, language, skipped));
  const captions = seen.paths.flatMap((path) => readSeen(path, skipped));
  return {
    ...{ wearer, language, skipped, names: namesOf(speech) },
    entries: [...speech, ...captions].sort((a, b) => a.startSeconds - b.startSeconds),
    questions: tasks.sort((a, b) => a.askTime - b.askTime),
    found: `${wearer}, ${tasks.length} of ${rows.length} questions, transcripts of ${said.paths.length} hours, captions of ${seen.paths.length}`,
    notes: [
      ...hoursMissing("transcript", said, seen),
      ...hoursMissing("captions", seen, said),
      ...others.map((path) => `${basename(path)} is of a run of its own: name it with --annotations`),
      ...notes,
    ],
  };
}

/** Files of one kind, an hour each, and where they were looked for. */
interface HourFiles {
  readonly place: string;
  readonly paths: readonly string[];
}

function hourFiles(folder: string, pattern: string): HourFiles {
  const found = existsSync(folder) ? globSync(pattern, { cwd: folder }).sort() : [];
  return { place: join(folder, pattern), paths: found.map((name) => join(folder, name)) };
}

/** Hours that the other kind has and this one has not. */
function hoursMissing(kind: string, { place, paths }: HourFiles, other: HourFiles): string[] {
  if (paths.length === 0) return [`no ${kind}: none found at ${place}`];
  const hoursOf = (files: readonly string[]) =>
    files.flatMap((path) => /DAY\d+_\d{2}/i.exec(basename(path))?.[0].toUpperCase() ?? []);
  const there = new Set(hoursOf(paths));
  const gone = hoursOf(other.paths).filter((hour) => !there.has(hour));
  return gone.length === 0
    ? []
    : [`no ${kind} of ${gone.map((hour) => hour.replace("_", " at ")).join(", ")}`];
}

/** Labels of voices that are no names. */
const noName =
  /\b(others?|people|person|some(one|body)|every(one|body)|unknown|unidentified|strangers?|guests?|music|lyrics|laugh\w*|voice|sister|brother|neighbou?r|boss|owner|guy|man|woman|consumer|ai)\b|[^\p{Script=Latin}\p{P}\s]/iu;
/** A label on fewer cues is a slip of the transcript. */
const leastCues = 30;

function namesOf(speech: readonly TextEntry[]): string[] {
  const cues = Map.groupBy(speech, ({ speaker }) => speaker);
  return [...cues]
    .flatMap(([label, { length }]) =>
      label !== null && length >= leastCues && !noName.test(label) ? [label] : [],
    )
    .sort();
}

/** Questions that were not asked of this week, for the control: does it matter that the questions are this user's? */
export interface ForeignQuestions {
  readonly name: string;
  readonly texts: readonly string[];
}

/** Files with questions of other benchmarks that lie beside EgoLife's folder. */
export function foreignFilesBeside(root: string): string[] {
  const names = ["egotempo/egotempo_openQA.json", "m3bench/web.json", "m3bench/robot.json"];
  return names.map((name) => join(root, "..", name)).filter((path) => existsSync(path));
}

/**
 * The questions of a JSON file, in seeded order: every text under a key `question`, wherever it stands.
 * @throws DataError when there is none
 */
export function readForeignQuestions(path: string, seed: string): ForeignQuestions {
  const { found } = readAnnotations(path, 'questions, each under a key "question",', (value) => {
    const texts = [...new Set(questionsIn(value))];
    return texts.length === 0 ? null : texts;
  });
  const name = basename(path, extname(path)).replace(/_openQA$/i, "");
  return { name, texts: shuffle(seededRandom(`foreign ${seed}`), found) };
}

function questionsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = "question" in value && typeof value.question === "string" ? [value.question] : [];
  return [...own, ...Object.values(value).flatMap(questionsIn)];
}
