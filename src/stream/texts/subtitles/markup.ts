/** Lines without markup. Every pattern reads a text once: none can match the same characters in two ways. */
import { oneLine } from "../../../util/plain-text.ts";

/** Runs of text under one `<v Name>` each. */
export function voicesOf(text: string): { voice: string | null; text: string }[] {
  const parts = text.split(/<v(?:\.[^\s<>]*)?[ \t]([^<>]*)>|<\/v>/);
  // With one capture group, split gives text, name, text, name, text...; the name is undefined for a closing tag.
  const runs: { voice: string | null; text: string }[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const name = i === 0 ? undefined : parts[i - 1];
    runs.push({ voice: name ? cleanLine(name) || null : null, text: parts[i] ?? "" });
  }
  return runs;
}

const entities: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  lrm: "",
  rlm: "",
};

/** Character references as characters. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,9})|#x([\da-f]{1,8})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
    const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : null;
    if (code !== null) return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    return entities[String(name).toLowerCase()] ?? whole;
  });
}

/**
 * A line without markup: tags, `{\an8}`, karaoke times; entities decoded; without sequences for terminals, characters
 * that cannot be seen, and marks that turn the direction of writing.
 */
export function cleanLine(line: string): string {
  const said = line.replace(/\{\\[^{}]*\}/g, "").replace(/<\/?[a-z][^<>]*>|<\d+:[\d:.]+>/gi, "");
  return oneLine(decodeEntities(said));
}
