/**
 * Forms that mean the same word to a reader without a model: irregular verbs, numbers in words, units, and a few
 * everyday words for one thing. English, but for the numbers.
 */

/** Base form, then its other forms. */
const irregular = `
  awake awoke awoken|bear bore borne|beat beaten|become became|begin began begun|bend bent|bite bit bitten|bleed bled|blow blew blown
  break broke broken|breed bred|bring brought|build built|burn burnt|buy bought|catch caught|choose chose chosen|come came|creep crept
  deal dealt|dig dug|draw drew drawn|dream dreamt|drink drank drunk|drive drove driven|eat ate eaten|fall fell fallen|feed fed|feel felt
  fight fought|find found|flee fled|fly flew flown|forbid forbade forbidden|forget forgot forgotten|forgive forgave forgiven|freeze froze frozen
  give gave given|go went gone goes going|grow grew grown|hang hung|have had has|hear heard|hide hid hidden|hold held|keep kept
  kneel knelt|know knew known|lay laid|lead led|lean leant|learn learnt|leave left|lend lent|lie lay lain lying lies|light lit|lose lost
  make made|mean meant|meet met|mistake mistook|pay paid|ride rode ridden|ring rang rung|rise rose risen|run ran|say said|see saw seen
  seek sought|sell sold|send sent|sew sewn|shake shook shaken|shine shone|shoot shot|show shown|shrink shrank shrunk|sing sang sung
  sink sank sunk|sit sat|sleep slept|slide slid|smell smelt|speak spoke spoken|spell spelt|spend spent|spill spilt|spin spun|spoil spoilt
  stand stood|steal stole stolen|stick stuck|sting stung|strike struck|swear swore sworn|sweep swept|swim swam swum|swing swung|take took taken
  teach taught|tear tore torn|tell told|think thought|throw threw thrown|understand understood|wake woke woken|wear wore worn|weep wept|win won
  wind wound|write wrote written|child children|person people|man men|woman women|foot feet|tooth teeth|mouse mice|knife knives
  wife wives|shelf shelves|half halves|wolf wolves|loaf loaves|thief thieves|grandchild grandchildren`;

/** Everyday words for one thing; the first stands for all. */
const alike = `
  buy purchase|begin start commence|end finish|child kid|sick ill|photo photograph picture pic|phone telephone mobile cellphone smartphone
  fridge refrigerator|tv television telly|car auto automobile vehicle|bike bicycle|doctor physician|film movie|shop store|house home
  live reside|mum mom mother mummy mommy|dad father daddy|grandma grandmother granny|grandpa grandfather|job work occupation profession
  repair mend fix|big large huge|small little tiny|quick fast rapid|rubbish trash garbage|sofa couch|holiday vacation|lift elevator
  password passcode|prefer favourite favorite|colour color|grey gray|present gift|reply answer|town city|lorry truck|pal friend
  stone rock|glad happy|shut close|speak talk|ache pain hurt sore headache|chair seat|need require|assist help|choose pick select
  exam examination test|licence license permit|spectacles glasses eyeglasses|sweater jumper pullover|trousers pants|rug carpet|purse handbag
  cook prepare|meal dish|scared afraid|weigh weight|lead leader|cost price|meeting appointment`;

const forms = new Map<string, string>();
for (const group of irregular.trim().split(/[|\n]/)) {
  const [base, ...others] = group.trim().split(/\s+/);
  for (const other of others) if (!forms.has(other)) forms.set(other, base!);
}
forms.delete("lay"); // both a verb and the past of another: left alone
const groups = new Map<string, string>();
for (const group of alike.trim().split(/[|\n]/)) {
  const [first, ...others] = group.trim().split(/\s+/);
  for (const other of others) groups.set(other, first!);
}

/** The base form of an English word: `bought` → `buy`; other words unchanged. */
export function baseForm(word: string): string {
  return forms.get(word) ?? word;
}

/** Whether a word is an irregular form of another: `bought`, `taken`. */
export const isPastForm = (word: string): boolean => forms.has(word);

/** Forms of an English word that do not look like it: `buy` → `bought`. */
function otherForms(word: string): readonly string[] {
  const base = baseForm(word);
  return [base, ...[...forms].filter(([, of]) => of === base).map(([form]) => form)].filter(
    (form) => form !== word,
  );
}

/** The word that stands for a group of everyday words: `purchase`, `purchased` → `buy`; other words unchanged. */
export function commonWord(word: string): string {
  const plain = [
    word,
    ...["s", "es", "d", "ed", "ing"]
      .filter((end) => word.endsWith(end))
      .map((end) => word.slice(0, -end.length)),
  ];
  return plain.map((one) => groups.get(one)).find((common) => common !== undefined) ?? word;
}

/** Other words under which an English word may have been written: its forms, and everyday words for the same. */
export function otherWords(word: string): readonly string[] {
  return [...new Set([...otherForms(word), ...wordsAlike(word)])];
}

/** Words of a group, for a search by spelling. */
function wordsAlike(word: string): readonly string[] {
  const common = commonWord(baseForm(word));
  return [common, ...[...groups].filter(([, of]) => of === common).map(([other]) => other)].filter(
    (other) => other !== word,
  );
}

const small = [
  "zero null zéro cero nol ноль нуль sıfır noll",
  "one eins ein un uno um een jeden jedna один одна bir",
  "two zwei deux dos due dois duas twee dwa dwie два две två to iki dva",
  "three drei trois tres tre tres drie trzy три uc tri",
  "four vier quatre cuatro quattro quatro cztery четыре чотири dort fyra fire ctyri",
  "five funf cinq cinco cinque vijf piec пять bes fem pet",
  "six sechs seis sei zes szesc шесть alti sex seks sest",
  "seven sieben sept siete sette sete zeven siedem семь yedi sju syv sedm",
  "eight acht huit ocho otto oito osiem восемь sekiz atta atte osm",
  "nine neun neuf nueve nove negen dziewiec девять dokuz nio ni devet",
  "ten zehn dix diez dieci dez tien dziesiec десять on tio ti deset",
  "eleven elf onze once undici jedenascie одиннадцать onbir elva elleve jedenact",
  "twelve zwolf douze doce dodici doze twaalf dwanascie двенадцать oniki tolv dvanact",
].map((words) => words.split(" "));

/** Number words of other languages that are words of their own, taken as numbers only by their own language. */
const ambiguous = new Set("ein un uno um een to due sei sex on ti ni once fire pet sept bir".split(" "));

const numberWords = new Map<string, number>();
for (const [value, words] of small.entries())
  for (const word of words) if (!ambiguous.has(word) && !numberWords.has(word)) numberWords.set(word, value);
const tens = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const teens = "thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(" ");
for (const [i, word] of tens.entries()) numberWords.set(word, 20 + 10 * i);
for (const [i, word] of teens.entries()) numberWords.set(word, 13 + i);
for (const [word, value] of [
  ["hundred", 100],
  ["thousand", 1000],
  ["dozen", 12],
  ["once", 1],
  ["twice", 2],
] as const)
  numberWords.set(word, value);
for (const [i, letter] of [..."〇一二三四五六七八九十"].entries()) numberWords.set(letter, i);
numberWords.set("两", 2);

/** The value of a number in words, or `null`: `five` → 5, `twenty-one` → 21. @param word lower case, without marks */
export function numberWord(word: string): number | null {
  const whole = numberWords.get(word);
  if (whole !== undefined) return whole;
  const [ten, one, ...rest] = word.split("-");
  const [a, b] = [numberWords.get(ten ?? ""), numberWords.get(one ?? "")];
  return rest.length === 0 && a !== undefined && b !== undefined && a >= 20 && b < 10 ? a + b : null;
}

/** What a unit measures. */
export type Dimension = "mass" | "length" | "money" | "duration" | "temperature" | "volume" | "share";

/** A unit by its names: dimension, its kind where kinds do not convert, and its size in the smallest. */
interface Unit {
  readonly of: Dimension;
  readonly base: string;
  readonly size: number;
}

const units = new Map<string, Unit>();
for (const line of `
  mass g 1 g gr gram grams gramm gramme grammes gramo gramos grammi грамм граммов 克
  mass g 1000 kg kilo kilos kilogram kilograms kilogramm kilogrammes kilogramos кг килограмм 公斤
  mass g 453.592 lb lbs pound-weight
  length m 0.001 mm millimetre millimetres millimeter millimeters
  length m 0.01 cm centimetre centimetres centimeter centimeters
  length m 1 m metre metres meter meters mètres метров
  length m 1000 km kilometre kilometres kilometer kilometers километров 公里
  length m 1609.344 mile miles
  money usd 1 $ usd dollar dollars
  money eur 1 € eur euro euros евро
  money gbp 1 £ gbp pound pounds quid
  money yen 1 ¥ yen jpy
  money cny 1 yuan rmb cny 元 块
  money rub 1 ruble rubles rouble roubles рублей
  money zl 1 zloty zlotys pln
  duration s 1 s sec secs second seconds sekunden secondes segundos секунд
  duration s 60 min mins minute minutes minuten minutos minuti минут
  duration s 3600 h hr hrs hour hours stunden heures horas ore часов
  duration s 86400 day days tage tagen jours dias giorni дней
  duration s 604800 week weeks wochen semaines semanas
  duration mo 1 month months monate mois meses
  duration mo 12 year years jahre ans anos годa лет
  temperature c 1 °c celsius °
  temperature f 1 °f fahrenheit
  temperature d 1 degree degrees grad degres grados
  volume l 0.001 ml millilitre millilitres milliliter milliliters
  volume l 1 l litre litres liter liters litros литров
  share p 1 % percent prozent`
  .trim()
  .split("\n")) {
  const [of, base, size, ...names] = line.trim().split(/\s+/);
  for (const name of names) units.set(name, { of: of as Dimension, base: base!, size: Number(size) });
}

/** A unit by its name, in lower case without marks; `undefined` where it is none. */
export const unitOf = (name: string): Unit | undefined => units.get(name);

/** What a question word measures: `weigh` → mass. */
export const measured: Readonly<Record<string, Dimension>> = {
  ...{
    weigh: "mass",
    weight: "mass",
    heavy: "mass",
    cost: "money",
    price: "money",
    pay: "money",
    expensive: "money",
    rent: "money",
    fee: "money",
    fare: "money",
  },
  ...{ far: "length", distance: "length", tall: "length", height: "length", high: "length", deep: "length" },
  ...{
    wide: "length",
    warm: "temperature",
    hot: "temperature",
    cold: "temperature",
    temperature: "temperature",
  },
  ...{ percentage: "share", percent: "share" },
  ...{ duration: "duration", last: "duration", old: "duration", age: "duration" },
};
