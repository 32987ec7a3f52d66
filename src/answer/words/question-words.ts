/**
 * What a question asks for, told by its words alone: which value of several that followed one another, what kind of
 * answer, and without the courtesies around it. English, with the commonest words of some other languages.
 */

/** Which of the values that something had one after another. */
export type WhichValue = "latest" | "first" | "previous" | "since" | "changes" | "any";

const values: readonly (readonly [WhichValue, RegExp])[] = [
  [
    "changes",
    /\b(?:how often|how many times|wie oft|combien de fois|cu[aá]ntas veces|quante volte|quantas vezes|hoe vaak|ile razy|сколько раз|kaç kez|kaç kere)\b(?=.*(?:chang|mov|switch|replac|updat|differ|resched|shift|postpon|wechsel|ge[äa]ndert|verschoben|umgezogen|cambi|chang|mud|verander|zmien|zmian|мен|değiş))/iu,
  ],
  [
    "since",
    /\b(?:since when|for how long|how long ha(?:s|ve)|ever since when|seit wann|depuis (?:quand|combien de temps)|desde cu[aá]ndo|da quando|desde quando|sinds wanneer|od kiedy|с каких пор|ne zamandan beri)\b/iu,
  ],
  [
    "previous",
    /\b(?:(?:just )?before (?:the )?(?:current|latest|present|last|newest) one|before (?:that|this|now|it changed|it was changed|it moved)|(?:the )?(?:one|value) before|(?:the )?previous(?:ly)?|former(?:ly)?|prior|the last but one|until recently|(?<!\b(?:is|are|was|were|be|been|being|got|get|gets|[’']s|[’']re)\s)used to(?: be)?|vorher(?:ige[rsn]?)?|davor|zuvor|pr[ée]c[ée]dent[e]?|auparavant|anterior(?:mente)?|precedente|vorige|poprzedni[aeo]?|раньше|до этого|önceki)\b|\bbefore(?=\s*\?*\s*$)/iu,
  ],
  [
    "first",
    /^\s*what (?:came|was) first\s*[:,–-]|\b(?:at first|at the (?:very )?beginning|to begin with|in the beginning|at the start|original(?:ly)?|initial(?:ly)?|first(?! (?:name|aid|floor|class|grade|of|half|thing|day|week|month|year|hour|ten|five|\d))|earliest|zuerst|anfangs|urspr[üu]nglich|am anfang|d['’]abord|au d[ée]but|initialement|primero|al principio|inicialmente|all['’]inizio|inizialmente|no in[ií]cio|eerst|aanvankelijk|najpierw|początkowo|сначала|вначале|başta|ilk)\b/iu,
  ],
  [
    "latest",
    /\b(?:(?:right |just |by |as of )?now|at the moment|at present|presently|current(?:ly)?|these days|nowadays|latest|newest|most recent(?:ly)?|last(?= (?:known|reported|stated|value|place|seen))|as things stand|still|jetzt|gerade|momentan|im moment|aktuell(?:e[rsn]?)?|derzeit|heutzutage|maintenant|actuellement|en ce moment|ahora|actualmente|adesso|attualmente|agora|atualmente|nu|momenteel|teraz|obecnie|сейчас|теперь|şimdi|şu an)\b|现在|目前|今の|지금|現在/iu,
  ],
];

/** Which value a question asks for, and the question without the words that say so. */
export function whichValue(text: string): { readonly which: WhichValue; readonly rest: string } {
  const found = values.find(([, pattern]) => pattern.test(text));
  if (!found) return { which: "any", rest: text };
  const [which, pattern] = found;
  return { which, rest: text.replace(pattern, " ") };
}

/** Words that say of a value that it became another. @param word lower case */
export const isChangeWord = (word: string): boolean =>
  /^(?:chang|mov|switch|replac|updat|resched|shift|postpon)(?:e|ed|es|ing|uled)?$/.test(word);

/** "I moved to Leeds": where somebody lives now. */
export const movedHome = /\b(?:move[ds]?|moving|relocated) (?:back |over |out )?(?:to|into|in with)\b/i;

/** "I moved yesterday": the one who moves is who is moved. "I moved my desk" is not. */
export const movedOneself =
  /\b(?:move[ds]?|moving|relocated)\b(?! (?:my|the|an?|his|her|their|our|your|its|it|them|this|that|some|all|both|\p{Lu}))/u;

/** Words of a statement that tells of a move. */
export const toldMove = /\b(?:move[ds]?|moving|relocated|shifted|carried|brought|pushed|transferred)\b/i;

/** Whether a question asks how often something moved, and not how often something else of it changed. */
export const asksOfMoves = (text: string): boolean => /\b(?:mov(?:e[ds]?|ing)|relocat\w+)\b/i.test(text);

const courtesy =
  /^(?:(?:hi|hey|hello|good (?:morning|afternoon|evening)|thanks(?: a lot)?|thank you|ok|okay|alright|right|so|well|and|but|sorry|excuse me|please|quick question|one more thing|by the way|hallo|guten (?:morgen|tag|abend)|bonjour|hola|ciao|ol[aá]|hoi|cześć|привет|merhaba)(?: there| again| everyone| all)?[\s,!.:;…–-]+)+/iu;
const request =
  /^(?:please )?(?:(?:can|could|would|will) (?:you|we|i) (?:please )?(?:just )?(?:tell|remind|show|give|list|find|get|say|help)(?: (?:me|us))?(?: (?:find|remember|recall))?(?: again)?(?: please)?|do you (?:happen to )?(?:know|remember|recall)|(?:tell|remind|show|give|get|fetch|bring|let|help)(?: (?:me|us))(?: (?:know|find|remember|recall))?(?: again)?|(?:list|find|fetch|look up|search for|recall|name|state|quote|locate)(?= (?:me |us )?(?:the|a|an|all|every|my|our|his|her|their|\p{Lu}))|(?:i|we) (?:need|want|would like|wish)(?: to (?:know|find|see|hear|have))?|i['’]d like(?: to know)?|(?:i|we) (?:forgot|forget|wonder|am wondering|can['’]?t (?:remember|recall|find)|don['’]?t (?:remember|recall|know))|any idea|(?:kannst|k[öo]nntest) du mir (?:bitte )?(?:sagen|zeigen)|(?:sag|zeig|nenn)(?:e)? mir|ich (?:brauche|suche)|wei(?:ß|ss)t du|peux-tu me dire|dis-moi|donne-moi|puedes decirme|dime|dame|puoi dirmi|dimmi|podes? me dizer|me diga|kun je me (?:zeggen|vertellen)|powiedz mi|подскажи(?:те)?|скажи(?:те)?)(?:[\s,:]+(?:please|of|if|bitte|пожалуйста))?[\s,:]+/iu;

/** A question without greetings and requests: "Hi, can you tell me when the train leaves?" → "when the train leaves?" */
export function withoutCourtesy(text: string): string {
  let rest = text.trim();
  for (let i = 0; i < 3; i++) {
    const shorter = rest.replace(courtesy, "").replace(request, "");
    if (shorter === rest || !/[\p{L}\p{N}]/u.test(shorter)) return rest;
    rest = shorter;
  }
  return rest;
}

/** What kind of answer an English question wants. */
export type Wanted = "number" | "colour" | "person" | "place" | "reason" | "moment" | "statement" | "thing";

/** Words that name a time and measure none: "at what hour", "which year". */
const namesTime = /\b(?:what|which)\s+(?:hour|day|date|week|weekday|month|year|season)s?\b(?!['’]s)/i;
/** Whether a word of a question that asks for a moment only says which part of it. */
export const isTimeWord = (word: string): boolean =>
  /^(?:hour|day|date|week|weekday|month|year|season)s?$/.test(word);

/** Asks for the number that something has: "which house number", "what number is". */
export const asksNumber =
  /\b(?:what|which)\s+(?:(?:is|was)\s+(?:my|our|your|his|her|its|their|the)\s+)?(?:\p{L}+\s+)?number\b(?! of\b)/iu;

/** The kind of answer. "statement" is for questions that a yes or no answers, and for requests. */
export function wantedBy(text: string): Wanted {
  const plain = text.trim().toLowerCase();
  if (/\b(?:what|which) colou?r\b|\bcolou?r of\b/.test(plain)) return "colour";
  if (namesTime.test(plain)) return "moment";
  if (
    /\bhow (?:many|much|old|far|tall|high|heavy|long|big|expensive|deep|wide)\b/.test(plain) ||
    asksNumber.test(plain)
  )
    return "number";
  if (/\b(?:who|whom|whose)\b/.test(plain)) return "person";
  if (/\bwhere\b/.test(plain)) return "place";
  if (/\bwhy\b/.test(plain)) return "reason";
  return /\b(?:what|which|when|how)\b/.test(plain) ? "thing" : "statement";
}

/** The kind of answer that questions in other languages want, by their commonest words. */
const wantedElsewhere: readonly (readonly [Wanted, RegExp])[] = [
  [
    "colour",
    /welche[rsn]? farbe|quelle couleur|(?:qu[ée]|cu[aá]l) (?:es el )?color|di che colore|de que cor|welke kleur|jaki(?:ego)? kolor|какого цвета|什么颜色|什麼顏色|何色|무슨 색/iu,
  ],
  [
    "number",
    /\bwie ?(?:viele?[rn]?|alt|weit|hoch|schwer|lange?|teuer|gro(?:ß|ss)|tief|breit)(?!\p{L})|\bcombien\b|\bcu[aá]nt[oa]s?(?!\p{L})|\bquant[oiae]\b|\bquant[oa]s\b|\bhoe(?:veel| oud| ver| hoog| zwaar| lang)\b|\bil[eu]\b|сколько|多少|几(?:个|只|张|岁|年|天|块|次)|多(?:大|远|重|长|高|久)|いくつ|いくら|何(?:人|個|本|枚|歳)|몇|얼마/iu,
  ],
  [
    "place",
    /\b(?:wo|wohin|woher|dove|onde|waar|gdzie)\b|(?<!\p{L})(?:où|d[oó]nde|где|куда)(?!\p{L})|哪里|哪裡|哪儿|在哪|どこ|어디/iu,
  ],
  [
    "reason",
    /\b(?:warum|wieso|weshalb|pourquoi|perch[eé]|waarom|dlaczego)(?!\p{L})|\bpor qu[eé](?!\p{L})|почему|зачем|为什么|為什麼|为何|なぜ|どうして|왜/iu,
  ],
  ["person", /^\W*(?:wer|wem|wen|qui|qui[eé]n(?:es)?|chi|quem|kto|кто)(?!\p{L})|谁|誰|누가|누구/iu],
];

/** The kind of answer that a question in any language wants; "statement" where its words do not tell. */
export function wantedInAny(text: string): Wanted {
  const english = wantedBy(text);
  return wantedElsewhere.find(([, pattern]) => pattern.test(text))?.[0] ?? english;
}

/**
 * Words of an answer of the kind that a question asks for, in languages other than its own: of what is asked in one and
 * told in another they may be the only ones to look for. Empty for English, and where no word is common to such answers.
 */
export function wordsOfAnswers(text: string): string {
  return wantedBy(text) !== "reason" && wantedInAny(text) === "reason" ? reasonWords : "";
}
const reasonWords = "because 因为 weil parce perché porque omdat ponieważ потому";

const colours =
  /\b(?:red|blue|green|yellow|black|white|gr[ae]y|brown|orange|purple|pink|violet|golden?|silver|beige|turquoise|navy|cream|crimson|maroon|teal)\b/i;
const places =
  /\b(?:in|on|at|to|into|onto|under|underneath|behind|near|by|from|inside|outside|beside|next|over|above|below|between|upstairs|downstairs|home|here|there|through|against|around|across|towards?|with|live|lives|lived|moved|work(?:s|ed|ing)? for)\b/i;
const reasons =
  /\b(?:because|since|so|as|due|to|reason|cause[sd]?|thanks|therefore|otherwise|in order|too)\b/i;

/** Whether a sentence holds the kind of answer that needs a certain word. Numbers and people are told by its tokens. */
export function hasWanted(text: string, wanted: Wanted): boolean {
  if (wanted === "colour") return colours.test(text);
  if (wanted === "place") return places.test(text);
  return wanted === "reason" ? reasons.test(text) : true;
}

/** English verbs of which a later statement takes the place of an earlier one, also in the past. */
const settling =
  /\b(?:puts?|leaves?|left|depart(?:s|ed)?|park(?:s|ed)?|keeps?|kept|hides?|hidden|hid|stor(?:e|es|ed)|plac(?:e|es|ed)|liv(?:e|es|ed)|work(?:s|ed)?|costs?|weigh(?:s|ed)?|called|named|us(?:e|es|ed)|mov(?:e|es|ed)|schedul(?:e|es|ed)|stands?|stood|stay(?:s|ed)?|sits?|sat|sets?|lies|hangs?|hung|begins?|began|starts?|started|opens?|opened|closes?|closed|leads?|led)\b/i;
/** Whether a word of a question says only that something is so: "sit" in "Where does the party sit?". */
export const isStateWord = (word: string): boolean => settling.test(word);
/** What may hold of several things at once: "allergic to nuts", "likes jazz". */
const several =
  /\b(?:allergic|likes?|loves?|hates?|enjoys?|knows?|speaks?|owns?|has|have|friends?|visit(?:s|ed)?|languages?|hobb(?:y|ies)|pets?|children|siblings?|members?|ingredients?|needs?|buy|bought|eat|ate|all|list|every|things)\b/i;

/** Whether what a question asks for has one value at a time. */
export function asksOfState(text: string): boolean {
  if (several.test(text)) return false;
  if (/\bdid\b|^\s*who \p{L}+ed\b|\b(?:was|were) \p{L}+ed\b/iu.test(text)) return settling.test(text);
  return true;
}

/** Words of a statement that changes something, told of none of its values. */
export const updating =
  /\b(?:now|moved?|moving|changed?|changing|switched|switching|replaced|instead|anymore|any more|no longer|new|updated?|rescheduled|postponed|taken over|took over|takes over|from today|from tomorrow|shifted|pushed|turned into|from now on|as of today|correction|actually|jetzt|ge[äa]ndert|verschoben|umgezogen|maintenant|d[ée]plac[ée]e?|chang[ée]e?|ahora|cambi[óo]|trasladado|adesso|cambiato|spostat[oa]|agora|mudou|nu|verplaatst|teraz|zmien\p{L}+|przenies\p{L}+|теперь|перенес\p{L}+|измен\p{L}+)\b|改成|改到|变成|変更/iu;

/** Words of a statement that adds to an earlier one. */
export const adding =
  /\b(?:also|as well|too|another|additionally|besides|auch|aussi|tambi[ée]n|anche|tamb[ée]m|ook|też|также|тоже)\b/iu;
