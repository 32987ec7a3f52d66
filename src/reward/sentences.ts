/** A memory's text as sentences, and the kinds of sentence that tell nothing and only try to win a grade. */

/** Sentences of a text, in order; a line break ends one too. */
export function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[.!?…]["'”’)]*)\s+|(?<=[。！？][」』”]?)|\n+/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence));
}

/** A sentence without what it quotes. */
export function withoutQuotes(sentence: string): string {
  return sentence.replace(/"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|(?<!\p{L})'[^']*'(?!\p{L})/gu, " ");
}

/**
 * Whether a sentence addresses its judge: about the memory and its grade, or about instructions to be dropped.
 *
 * English phrases, and not all of them. One that slips through is treated as a normal statement.
 */
export function addressesJudge(sentence: string): boolean {
  return (
    (ownText.test(sentence) && grade.test(sentence)) || override.test(sentence) || highGrade.test(sentence)
  );
}

const ownText =
  /\b(?:this|the|my|that|above|following)\s+(?:\w+\s+)?(?:memory|memories|description|answer|response|text|summary|entry|candidate|output|one)\b/i;
const grade =
  /\b(?:scor(?:e|ed|es|ing)|rat(?:e|ed|ing)|grad(?:e|ed|ing)|reward(?:ed)?|rank(?:ed)?|points?|marks?|prefer(?:red)?|correct(?:ness)?|best|richest|useful|accurate|wins?|winner|judges?|true)\b/i;
const override =
  /\b(?:ignore|disregard|forget|override)\b.{0,30}\b(?:previous|prior|above|all|any|your|system|these|earlier)\b.{0,20}\b(?:instructions?|prompts?|rules|guidelines|criteria)\b/i;
const highGrade =
  /\b(?:give|award|assign|output|return|answer|grant)\b.{0,40}\b(?:(?:maximum|highest|full|top|perfect)\s+(?:score|marks?|reward|rating|points)|score of \d+|"?correct"?\s*[:=]\s*(?:1|true))/i;
