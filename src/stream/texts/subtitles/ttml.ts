/**
 * TTML, DFXP and ITT: the paragraphs of a document with their times, `ttm:agent` as the speaker. Left out: nested
 * timing within a paragraph, styles, images.
 */
import { decodeEntities } from "./markup.ts";
import { type OpenText, quoted, secondsOf, type TimedTexts, withEnds } from "./timed-text.ts";

const tagPattern = /<([^<>]*)>/g;

interface Frame {
  /** What times below are relative to. Seconds. */
  readonly offset: number;
  readonly tag: string;
}

/** Texts of a TTML document; `null` if it is none. */
export function parseTtml(document: string, name: string): TimedTexts | null {
  const text = withoutComments(document);
  const root = /<(?:\w+:)?tt[\s>]/.exec(text.slice(0, 20_000));
  if (!root) return null;
  const rates = ratesOf(text.slice(root.index, root.index + 4000));
  const texts: OpenText[] = [];
  const problems: string[] = [];
  const agents = agentsOf(text);
  const stack: Frame[] = [];
  let open: { startSeconds: number; endSeconds: number | null; speaker: string | null } | null = null;
  let said = "";
  let last = 0;
  let language: string | undefined;
  for (const match of text.matchAll(tagPattern)) {
    const whole = match[0];
    const slash = whole.startsWith("</");
    const attributes = match[1]!;
    const tag = /^\/?([\w:.-]{1,40})/.exec(attributes.slice(0, 50))?.[1] ?? "";
    if (open) said += text.slice(last, match.index).replace(/\s+/g, " ");
    last = match.index + whole.length;
    const local = tag.slice(tag.indexOf(":") + 1);
    const isEmpty = attributes.endsWith("/");
    const attribute = (key: string) => attributeOf(attributes, key);
    if (local === "tt" && !slash) language = attribute("xml:lang") || undefined;
    if (local === "br" && open) said += "\n";
    if (local === "p" && !slash && !isEmpty) {
      const offset = stack.at(-1)?.offset ?? 0;
      const start = timeOf(attribute("begin"), rates);
      const end = timeOf(attribute("end"), rates);
      const length = timeOf(attribute("dur"), rates);
      if (start === null) {
        if (attribute("begin") !== null) problems.push(`${name}: expected a time in ${quoted(whole)}`);
        continue;
      }
      open = {
        startSeconds: offset + start,
        endSeconds: end !== null ? offset + end : length !== null ? offset + start + length : null,
        speaker: agents.get(attribute("ttm:agent") ?? "") ?? null,
      };
      said = "";
    } else if (local === "p" && slash && open) {
      const { startSeconds, endSeconds, speaker } = open;
      open = null;
      if (endSeconds !== null && endSeconds < startSeconds)
        problems.push(`${name}: the cue at ${startSeconds} s ends before it starts`);
      else texts.push({ startSeconds, endSeconds, text: decodeEntities(said), ...(speaker && { speaker }) });
    } else if (/^(body|div|span)$/.test(local) && !isEmpty) {
      if (slash) {
        if (stack.at(-1)?.tag === local) stack.pop();
      } else if (local !== "span") {
        const offset = (stack.at(-1)?.offset ?? 0) + (timeOf(attribute("begin"), rates) ?? 0);
        stack.push({ offset, tag: local });
      }
    }
  }
  return { texts: withEnds(texts), problems, ...(language && { language }) };
}

function withoutComments(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let start = text.indexOf("<!--"); start >= 0; start = text.indexOf("<!--", from)) {
    parts.push(text.slice(from, start));
    const end = text.indexOf("-->", start + 4);
    from = end < 0 ? text.length : end + 3;
  }
  return parts.join("") + text.slice(from);
}

interface Rates {
  readonly frame: number;
  readonly tick: number;
}

function ratesOf(root: string): Rates {
  const head = root.slice(0, root.indexOf(">") + 1 || undefined);
  const number = (key: string) => Number(attributeOf(head, key)) || null;
  const [top = 1, bottom = 1] = (attributeOf(head, "ttp:frameRateMultiplier") ?? "1 1")
    .split(/[ :]/)
    .map(Number);
  const frame = (number("ttp:frameRate") ?? 30) * (top / (bottom || 1));
  return { frame, tick: number("ttp:tickRate") ?? frame };
}

/** Seconds of `00:00:01.5`, `00:00:01:12`, `12.5s`, `300ms`, `90000t`, `25f`; `null` if it is no time. */
function timeOf(text: string | null, { frame, tick }: Rates): number | null {
  if (text === null) return null;
  const frames = /^(\d{1,4}):(\d{2}):(\d{2}):(\d{1,3})$/.exec(text.trim());
  if (frames) {
    const [hours = 0, minutes = 0, seconds = 0, n = 0] = frames.slice(1).map(Number);
    return hours * 3600 + minutes * 60 + seconds + n / frame;
  }
  const offset = /^(\d{1,12}(?:\.\d{1,9})?)(h|ms|m|s|f|t)$/.exec(text.trim());
  if (!offset) return secondsOf(text);
  const unit = { h: 3600, m: 60, s: 1, ms: 0.001, f: 1 / frame, t: 1 / tick }[offset[2]!]!;
  return Number(offset[1]) * unit;
}

function attributeOf(attributes: string, key: string): string | null {
  const at = attributes.search(new RegExp(`(?<![\\w:.-])${key}\\s{0,4}=`));
  if (at < 0) return null;
  const value = /^[^=]*=\s{0,4}("[^"]*"|'[^']*')/.exec(attributes.slice(at, at + 400))?.[1];
  return value === undefined ? null : decodeEntities(value.slice(1, -1)).trim();
}

/** Names of the agents that a head declares, by their ids. */
function agentsOf(text: string): Map<string, string> {
  const names = new Map<string, string>();
  const bodyAt = text.search(/<(?:\w+:)?body/);
  const head = text.slice(0, bodyAt < 0 ? 0 : Math.min(bodyAt, 1 << 20));
  let id: string | null = null;
  for (const match of head.matchAll(/<ttm:agent([^<>]*)>|<ttm:name[^<>]*>([^<>]*)/g)) {
    if (match[1] !== undefined) id = attributeOf(match[1], "xml:id");
    else if (id !== null && match[2]!.trim() !== "") names.set(id, decodeEntities(match[2]!).trim());
  }
  return names;
}
