/**
 * Names of people as SQL finds them: texts and names are written so that a plain search for one in the other finds what
 * `mentions` of `../names.ts` finds.
 */
import { type RawBuilder, sql } from "kysely";
import { foldings } from "../../util/letters.ts";
import { listed } from "../listed.ts";
import { foldName } from "../names.ts";
import type { NameConditions } from "../search-index.ts";

/** The ways in which a name is typed, none empty. */
export const spellingsOf = (name: string): string[] =>
  foldings(foldName(name)).filter((spelling) => spelling !== "");

const border = "\u0001";

/** A text with a border at its ends and around all that is no part of a word, so that a word is found between borders. */
const bordered = (text: string): string =>
  border + text.replace(/[^\p{L}\p{N}_]/gu, (sign) => border + sign + border) + border;

/** A text as names are looked for in it, in all its spellings. */
export const searchedForNames = (text: string): string => foldings(foldName(text)).map(bordered).join("\n");

const allSpellings = (names: readonly string[]) => [...new Set(names.flatMap(spellingsOf))];

/** Conditions on the names that `search.ts` keeps. */
export const postgresNames: NameConditions = {
  mentions: (names): RawBuilder<boolean> => sql<boolean>`exists (
    select 1 from entry_text as named, ${listed(allSpellings(names).map(bordered))} as asked (name)
    where named.entry = e.row and strpos(named.names, asked.name) > 0)`,
  spellingsOf: (names) =>
    sql`(select name from speaker_spelling where spelling in ${listed(allSpellings(names))})`,
};
