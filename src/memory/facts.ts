/** Facts that were kept as they are, when a user said to remember them: each a statement of its own, and no talk. */
import type { Entry } from "./records.ts";

/** The policy of their entries. */
export const factPolicy = "remember";

/** Whether an entry is such a fact. */
export const isFact = ({ policy }: Pick<Entry, "policy">): boolean => policy === factPolicy;
