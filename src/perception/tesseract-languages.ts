/** The languages tesseract reads: which of those wanted are installed, and what installs the others. */
import { spawnSync } from "node:child_process";
import type { Environment } from "../util/environment.ts";

/** tesseract's names, by BCP 47 tag in lower case; a language alone, or with its script or region where it matters. */
const names: Readonly<Record<string, string>> = {
  af: "afr", ar: "ara", az: "aze", be: "bel", bg: "bul", bn: "ben", bs: "bos", ca: "cat", cs: "ces", cy: "cym",
  da: "dan", de: "deu", el: "ell", en: "eng", eo: "epo", es: "spa", et: "est", eu: "eus", fa: "fas", fi: "fin",
  fil: "fil", fr: "fra", ga: "gle", gl: "glg", gu: "guj", he: "heb", hi: "hin", hr: "hrv", hu: "hun", hy: "hye",
  id: "ind", is: "isl", it: "ita", ja: "jpn", ka: "kat", kk: "kaz", km: "khm", kn: "kan", ko: "kor", ky: "kir",
  la: "lat", lo: "lao", lt: "lit", lv: "lav", mk: "mkd", ml: "mal", mn: "mon", mr: "mar", ms: "msa", mt: "mlt",
  my: "mya", nb: "nor", ne: "nep", nl: "nld", nn: "nor", no: "nor", pa: "pan", pl: "pol", ps: "pus", pt: "por",
  ro: "ron", ru: "rus", si: "sin", sk: "slk", sl: "slv", sq: "sqi", sr: "srp", "sr-latn": "srp_latn", sv: "swe",
  sw: "swa", ta: "tam", te: "tel", tg: "tgk", th: "tha", tl: "fil", tr: "tur", uk: "ukr", ur: "urd", uz: "uzb",
  vi: "vie", yi: "yid", zh: "chi_sim", "zh-hant": "chi_tra", "zh-hk": "chi_tra", "zh-mo": "chi_tra",
  "zh-tw": "chi_tra",
}; // biome-ignore format: a table

/** Most languages read at once without being asked for: each more makes reading slower and less sure. */
const mostUnasked = 3;

/** What to read in. */
export interface TesseractLanguages {
  /** For `-l`, best first; never empty. */
  readonly use: readonly string[];
  /** Wanted and not installed, as they were asked for, and the package of Debian and its kin that has each. */
  readonly missing: readonly { readonly tag: string; readonly package: string }[];
}

/** Chooses among the installed languages. @param wanted BCP 47 tags, best first; empty for those that are installed */
export function chooseLanguages(wanted: readonly string[], installed: readonly string[]): TesseractLanguages {
  const readable = installed.filter((name) => name !== "osd" && !name.startsWith("script/"));
  const byDefault = readable.includes("eng") ? ["eng"] : readable.slice(0, 1);
  if (wanted.length === 0) {
    const others = readable.filter((name) => !byDefault.includes(name) && !/_vert$|_old$/.test(name));
    return { use: nonEmpty([...byDefault, ...others].slice(0, mostUnasked)), missing: [] };
  }
  const asked = wanted.map((tag) => ({ tag, name: nameOf(tag) }));
  const use = new Set(asked.flatMap(({ name }) => (name !== null && readable.includes(name) ? [name] : [])));
  const missing = asked
    .filter(({ name }) => name === null || !readable.includes(name))
    .map(({ tag, name }) => ({
      tag,
      package: `tesseract-ocr-${name === null ? "all" : name.replaceAll("_", "-")}`,
    }));
  return { use: nonEmpty(use.size > 0 ? [...use] : byDefault), missing };
}

/** tesseract's own default is English, installed or not. */
const nonEmpty = (names: readonly string[]) => (names.length > 0 ? names : ["eng"]);

function nameOf(tag: string): string | null {
  const parts = tag.toLowerCase().replaceAll("_", "-").split("-");
  const byPair = parts.slice(1).flatMap((part) => names[`${parts[0]}-${part}`] ?? []);
  // A code of three letters is tesseract's own for nearly all languages.
  return byPair[0] ?? names[parts[0]!] ?? (/^[a-z]{3}$/.test(parts[0]!) ? parts[0]! : null);
}

/** The languages a tesseract has data for; empty if it does not say. */
export function installedLanguages(path: string, env: Environment): string[] {
  const { stdout } = spawnSync(path, ["--list-langs"], { env, encoding: "utf8", timeout: 10_000 });
  return (stdout ?? "").split(/\r?\n/).slice(1).filter(Boolean);
}
