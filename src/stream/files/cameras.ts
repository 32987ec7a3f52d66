/**
 * Cameras in one folder: files of several cameras that recorded at the same time, told apart by the part of their names
 * or folders that differs.
 *
 * Names alone do not make a camera: files of different names that follow one another, as a phone's films and screen
 * recordings do, are one stream.
 */
import type { NameClock } from "./clock-names.ts";
import type { FoundFile } from "./found-files.ts";

/** Files of one camera. */
export interface CameraFiles<File> {
  /** What its names hold and others do not: `front`; empty if that is nothing. */
  readonly label: string;
  readonly files: readonly File[];
}

interface Clocked extends FoundFile {
  readonly clock: NameClock | null;
}

/** Files that start this close together were started together. Seconds. */
const togetherSeconds = 2;
/** Recorders start a file before the one before it ends, by less than this. Seconds. */
const seamSeconds = 5;
/** Most files that are opened to see whether they overlap others. */
const mostOpened = 40;

/**
 * The files of each camera, or all files as one if they were not recorded at the same time. Files without a clock are
 * with the first.
 * @param lengthOf length of a file in seconds; `null` if it cannot be read
 */
export async function byCamera<File extends Clocked>(
  files: readonly File[],
  lengthOf: (file: File) => Promise<number | null>,
): Promise<CameraFiles<File>[]> {
  const whole = [{ label: "", files }];
  const clocked = files.filter(({ clock }) => clock !== null);
  const groups = grouped(clocked);
  if (groups.size < 2) return whole;
  const together = await recordedTogether(clocked, groups, lengthOf);
  if (together.size < 2) return whole;
  const keys = [...groups.keys()].filter((key) => together.has(key)).sort();
  const ofCameras = new Set(keys.flatMap((key) => groups.get(key)!));
  const rest = files.filter((file) => !ofCameras.has(file));
  const labels = labelsOf(keys);
  const cameras = keys.map((key, i) => ({ label: labels[i]!, files: groups.get(key)! }));
  return rest.length === 0 ? cameras : [...cameras, { label: "", files: rest }];
}

/** Files by what their names hold besides the clock and numbers that count. */
function grouped<File extends Clocked>(files: readonly File[]): Map<string, File[]> {
  const withNumbers = Map.groupBy(files, (file) => wordsOf(file).join("\n"));
  const withoutNumbers = Map.groupBy(files, (file) => withoutShortNumbers(wordsOf(file)).join("\n"));
  if (withNumbers.size === withoutNumbers.size) return withNumbers;
  // A number that nearly every file has for itself counts files; one that many share is that of a camera.
  const isOfCamera = [...withNumbers.values()].every((some) => some.length >= 2);
  return isOfCamera ? withNumbers : withoutNumbers;
}

const wordsOf = ({ clock }: Clocked): string[] =>
  clock!.rest
    .replace(/(?:19|20)\d{2}(?:[-_./]?\d{1,2}){2}(?:\/\d{1,2}(?=\/))*/g, " ")
    .replace(/\(\d+\)/g, " ")
    .replace(/\d{3,}/g, "")
    .split(/[^\p{L}\p{N}_]+/u)
    .map((word) => word.replace(/^_+|_+$/g, ""))
    .filter((word) => word !== "");

const withoutShortNumbers = (words: readonly string[]) => words.filter((word) => !/^\d+$/.test(word));

/** The groups that hold a file recorded while a file of another group was. */
async function recordedTogether<File extends Clocked>(
  files: readonly File[],
  groups: ReadonlyMap<string, readonly File[]>,
  lengthOf: (file: File) => Promise<number | null>,
): Promise<Set<string>> {
  const keyOf = new Map<File, string>();
  for (const [key, some] of groups) for (const file of some) keyOf.set(file, key);
  const inTime = files.toSorted((a, b) => a.clock!.seconds - b.clock!.seconds);
  const pairs = inTime.slice(1).flatMap((later, i) => {
    const earlier = inTime[i]!;
    const apart = later.clock!.seconds - earlier.clock!.seconds;
    const isPair = keyOf.get(earlier) !== keyOf.get(later) && earlier.clock!.kind === later.clock!.kind;
    return isPair ? [{ earlier, later, apart }] : [];
  });
  const together = new Set<string>();
  let opened = 0;
  for (const { earlier, later, apart } of pairs.sort((a, b) => a.apart - b.apart)) {
    const [one, other] = [keyOf.get(earlier)!, keyOf.get(later)!];
    if (together.has(one) && together.has(other)) continue;
    if (apart > togetherSeconds) {
      if (opened >= mostOpened) break;
      opened += 1;
      const length = await lengthOf(earlier);
      if (length === null || apart > length - seamSeconds) continue;
    }
    together.add(one).add(other);
  }
  return together;
}

/** What tells keys apart: their words without those that all begin or end with. */
function labelsOf(keys: readonly string[]): string[] {
  let words = keys.map((key) => key.split("\n").filter((word) => word !== ""));
  const shared = (at: number) => {
    const [first] = words;
    return (
      first!.length > 0 && words.every((some) => some.at(at) !== undefined && some.at(at) === first!.at(at))
    );
  };
  while (shared(0)) words = words.map((some) => some.slice(1));
  while (shared(-1)) words = words.map((some) => some.slice(0, -1));
  return words.map((some) => some.join("-"));
}
