/**
 * The time a question is about, told by its words: "on 2026-11-23", "last Tuesday", "yesterday morning", "at 09:00", "on
 * day 4", "in the last ten minutes". It becomes a span on the clock of each stream, and what lies outside is not searched.
 *
 * A wall clock has dates; a day clock has numbered days; a media clock has neither, so of dates and days it tells
 * nothing. Days are those of the stream's own clock, not of a time zone. Weekdays and dates are read in ten languages.
 */

import { foldLetters } from "../util/letters.ts";
import type { Clock } from "../util/time.ts";
import { spanCounts } from "./words/span-counts.ts";

/** A day, by one of its names. */
type AskedDay =
  | { readonly by: "date"; readonly year: number | null; readonly month: number; readonly day: number }
  /** 0 is Sunday. */
  | { readonly by: "weekday"; readonly weekday: number; readonly beforeToday: boolean }
  /** 0 is today, -1 yesterday. */
  | { readonly by: "relative"; readonly days: number }
  | { readonly by: "number"; readonly day: number };

/** The time a question is about. */
export interface AskedTime {
  readonly day: AskedDay | null;
  /** Seconds of the day from and to; `to` may lie in the next day. */
  readonly ofDay: {
    readonly from: number;
    readonly to: number;
    readonly at: number | null;
    /** What a time means on a clock that counts from the begin of a recording, where 1:20 is minutes and seconds. */
    readonly onMedia?: number | null;
  } | null;
  /** The last seconds before the end, such as 600 for "the last ten minutes". */
  readonly lastSeconds: number | null;
  readonly relation: "in" | "before" | "after";
  /** The question without it. */
  readonly rest: string;
  /** Its words in the question. */
  readonly words: string;
  /** Whether it may as well be what a memory speaks of: "What is on Tuesday?" */
  readonly mayBeTold: boolean;
}

/** A span of a stream, in its seconds. */
export interface Span {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** The moment within it that was named, if one was. */
  readonly atSeconds: number | null;
}

const daySeconds = 86_400;
const hour = 3600;

const names = (lines: string) =>
  new Map(
    lines
      .trim()
      .split("\n")
      .flatMap((line, i) =>
        line
          .trim()
          .split(/\s+/)
          .map((name) => [name, i] as const),
      ),
  );

const weekdays = names(`
  sunday sonntag dimanche domingo domenica zondag niedziela niedziele sondag воскресенье pazar nedele
  monday montag lundi lunes lunedi segunda-feira maandag poniedzialek mandag понедельник pazartesi pondeli
  tuesday dienstag mardi martes martedi terca-feira dinsdag wtorek tisdag tirsdag вторник sali utery
  wednesday mittwoch mercredi miercoles mercoledi quarta-feira woensdag sroda srode onsdag среду carsamba streda
  thursday donnerstag jeudi jueves giovedi quinta-feira donderdag czwartek torsdag четверг persembe ctvrtek
  friday freitag vendredi viernes venerdi sexta-feira vrijdag piatek fredag пятницу cuma patek
  saturday samstag sonnabend samedi sabado sabato zaterdag sobota sobote lordag субботу cumartesi`);

const months = names(`
  january januar janvier enero gennaio janeiro januari stycznia января ocak jan
  february februar fevrier febrero febbraio fevereiro februari lutego февраля subat feb
  march marz mars marzo marco maart marca марта mart mar
  april avril abril aprile kwietnia апреля nisan apr
  may mai mayo maggio maio mei maja мая mayis
  june juni juin junio giugno junho czerwca июня haziran jun
  july juli juillet julio luglio julho lipca июля temmuz jul
  august aout agosto augustus sierpnia августа agustos aug
  september septembre septiembre settembre setembro wrzesnia сентября eylul sep sept
  october oktober octobre octubre ottobre outubro pazdziernika октября ekim oct
  november novembre noviembre novembro listopada ноября kasim nov
  december dezember decembre diciembre dicembre dezembro december grudnia декабря aralik dec`);

const relativeDays: readonly (readonly [number, RegExp])[] = [
  [
    -2,
    /\b(?:the )?day before yesterday\b|\bvorgestern\b|\bavant-hier\b|\banteayer\b|\beergisteren\b|позавчера|前天/u,
  ],
  [
    -1,
    /\byesterday(?:'s)?\b|\bgestern\b|(?<=\b(?:qu|que|quoi|passe|fait|avait|etait|avons|est)\b.*)\bhier\b|\bayer\b|\bieri\b|\bontem\b|\bgisteren\b|\bwczoraj\b|\bdun\b(?=.*\?)|\bi gar\b|(?<!\p{L})вчера(?!\p{L})|昨天|昨日|어제/u,
  ],
  [
    0,
    /\btoday(?:'s)?\b|\bheute\b|\baujourd'hui\b|\bhoy\b|\boggi\b|\bhoje\b|\bvandaag\b|\bdzis(?:iaj)?\b|\bbugun\b|\bidag\b|(?<!\p{L})сегодня(?!\p{L})|今天|今日|오늘/u,
  ],
];

const partsOfDay: readonly (readonly [number, number, RegExp])[] = [
  [
    5,
    12,
    /\b(?:in the |during the )?(?:early |late )?mornings?\b|\b(?:am )?(?:vormittag|morgens)\b|\b(?:le )?matin\b|\b(?:por|de) la manana\b|\bmattina\b|\bmanha\b|\b's ochtends\b|(?<!\p{L})утром(?!\p{L})|上午|早上/u,
  ],
  [11.5, 13.5, /\b(?:at |around )?(?:noon|midday|lunchtime|lunch time)\b|\bmittags\b|\ba mediodia\b|中午/u],
  [
    12,
    18,
    /\b(?:in the |during the )?(?:early |late )?afternoons?\b|\b(?:am )?nachmittags?\b|\b(?:l')?apres-midi\b|\b(?:por|de) la tarde\b|\bpomeriggio\b|\bmiddags?\b|下午/u,
  ],
  [
    17,
    24,
    /\b(?:in the |during the )?(?:early |late )?evenings?\b|\btonight\b|\b(?:am )?abends?\b|\b(?:le )?soir\b|\bserata\b|\bstasera\b|\b's avonds\b|(?<!\p{L})вечером(?!\p{L})|晚上/u,
  ],
  [
    21,
    29,
    /\b(?:at |during the |in the )?night\b|\bnachts\b|\bla nuit\b|\bpor la noche\b|(?<!\p{L})ночью(?!\p{L})|夜里/u,
  ],
];

const lastSpan =
  /\b(?:in|during|over|from|within|of|for)?\s*(?:the )?(?:last|past) ?(\d+|[a-z]+)? ?(?:of )?(?:an? )?(second|minute|hour|sec|min|day)s?\b/;

const clockTime =
  /\b(at|around|about|near|by|before|after|since|until|till|from|um|gegen|a las|a|à|alle|om|o|в)?\s*\b(\d{1,2})(?:[:.h](\d{2}))(?::(\d{2}))?\s*(a\.?m\.?|p\.?m\.?|uhr)?(?![\d.])|\b(at|around|about|near|by|before|after|since|until|till|from|um|gegen)\s+(\d{1,2})\s*(a\.?m\.?|p\.?m\.?|o'clock|uhr)?\s*(in the (?:morning|afternoon|evening)|at night)?(?=\s*(?:[?.!,]|$|on|yesterday|today|that|of day|am))|\b(\d{1,2})\s*(a\.?m\.?|p\.?m\.?)(?![\p{L}])/u;

/** How far from a clock time a memory may lie to be of it, in seconds before and after. */
const aroundBefore = 300;
const aroundAfter = 600;

/** The time a question is about, or `null`. Only what a clock can tell: an event ("after lunch") is not a time. */
export function askedTime(text: string): AskedTime | null {
  let plain = foldLetters(text);
  // Folding may change lengths; then positions would not fit, and the words are cut out of the folded text.
  const source = plain.length === text.length ? text : plain;
  const cut: [number, number][] = [];
  const take = (match: RegExpExecArray): void => {
    cut.push([match.index, match.index + match[0].length]);
    plain =
      plain.slice(0, match.index) + " ".repeat(match[0].length) + plain.slice(match.index + match[0].length);
  };
  const found = (pattern: RegExp): RegExpExecArray | null => {
    const match = pattern.exec(plain);
    if (match) take(match);
    return match;
  };
  const day = dayOf(found);
  let lastSeconds: number | null = null;
  if (day === null) {
    const last = lastSpan.exec(plain);
    const count = last ? (spanCounts[last[1] ?? ""] ?? Number(last[1])) : Number.NaN;
    if (last && count > 0) {
      take(last);
      const unit = last[2]!;
      lastSeconds =
        count *
        (unit.startsWith("d") ? daySeconds : unit.startsWith("h") ? hour : unit.startsWith("m") ? 60 : 1);
    }
  }
  // "in the morning" alone is a habit, unless something that happened is asked for.
  const isPast = /\b(?:did|was|were|had|happen\p{L}*|summari[sz]e|recap)\b|(?![a-z])\p{L}/u.test(plain);
  const { ofDay, relation } = ofDayOf(found, day !== null, isPast);
  if (day === null && ofDay === null && lastSeconds === null) return null;
  const words = cut.sort(([a], [b]) => a - b).map(([from, to]) => source.slice(from, to).trim());
  let rest = source;
  for (const [from, to] of cut.toReversed()) rest = `${rest.slice(0, from)} ${rest.slice(to)}`;
  rest = rest
    .replace(/\b(?:on|at|in|of|from|during|last|this|am|le|el|il|em|op|w|в)?\s+(?=[?!.,]|$)/iu, "")
    .replace(/\s+/g, " ")
    .trim();
  return {
    ...{ day: day?.day ?? null, ofDay, lastSeconds, relation, rest, words: words.join(" ") },
    mayBeTold: (day === null || day.mayBeTold) && lastSeconds === null,
  };
}

type Find = (pattern: RegExp) => RegExpExecArray | null;

function dayOf(found: Find): { readonly day: AskedDay; readonly mayBeTold: boolean } | null {
  const told = (day: AskedDay) => ({ day, mayBeTold: true });
  const iso = found(
    /\b(?:on |am |le |el |il |op )?(\d{4})-(\d{2})-(\d{2})(?!\d)|(?<!\d)(\d{4})年(\d{1,2})月(\d{1,2})日/u,
  );
  if (iso) {
    const [year, month, day] = (iso[1] ? iso.slice(1, 4) : iso.slice(4, 7)).map(Number);
    if (isDate(year!, month!, day!)) return told({ by: "date", year: year!, month: month!, day: day! });
  }
  const dotted = found(/\b(?:on |am )?(\d{1,2})\.(\d{1,2})\.(\d{4})\b/);
  if (dotted && isDate(Number(dotted[3]), Number(dotted[2]), Number(dotted[1])))
    return told({ by: "date", year: Number(dotted[3]), month: Number(dotted[2]), day: Number(dotted[1]) });
  const monthName = `(${[...months.keys()].join("|")})(?!\\p{L})\\.?`;
  const monthFirst = found(
    new RegExp(
      `\\b(?:on )?(?:the )?${monthName} (?:the )?(\\d{1,2})(?:st|nd|rd|th)?(?![\\d:])(?:,? (\\d{4}))?`,
      "u",
    ),
  );
  const dayFirst = monthFirst
    ? null
    : found(
        new RegExp(
          `(?:\\b(?:on|am|le|el|il|op|em|w|на)? ?)?(?:the )?(?<![\\d:])(\\d{1,2})(?:st|nd|rd|th|\\.)? (?:of |de |di )?${monthName}(?:,? (?:de )?(\\d{4}))?`,
          "u",
        ),
      );
  const named = monthFirst ?? dayFirst;
  if (named) {
    const [month, day] = monthFirst ? [named[1]!, named[2]!] : [named[2]!, named[1]!];
    const year = named[3] ? Number(named[3]) : null;
    const asked = { by: "date" as const, year, month: months.get(month)! + 1, day: Number(day) };
    if (isDate(year ?? 2024, asked.month, asked.day)) return told(asked);
  }
  const numbered = found(
    /\b(?:on )?(?:the )?day ?(\d{1,3})\b|\b(?:on )?the (first|second|third|fourth|fifth|sixth|seventh) day\b|第(\d+|[一二三四五六七])天/u,
  );
  if (numbered) {
    const ordinal = "first second third fourth fifth sixth seventh".split(" ").indexOf(numbered[2] ?? "") + 1;
    const chinese = "一二三四五六七".indexOf(numbered[3] ?? "?") + 1;
    const day = Number(numbered[1] ?? 0) || ordinal || chinese || Number(numbered[3]);
    return { day: { by: "number", day }, mayBeTold: false };
  }
  for (const [days, pattern] of relativeDays)
    if (found(pattern)) return { day: { by: "relative", days }, mayBeTold: false };
  if (found(/\blast night\b|\bgestern abend\b/))
    return { day: { by: "relative", days: -1 }, mayBeTold: false };
  const this_ = found(/\bthis (?=morning|afternoon|evening|noon)|\bheute (?=morgen|abend)|\b(?=tonight\b)/);
  if (this_) return { day: { by: "relative", days: 0 }, mayBeTold: false };
  const weekday = found(
    new RegExp(
      `(?<!\\b(?:next|every|each|coming) )(?:\\b(?:on|am|le|el|il|op|em|w|в|во|during) )?(?:\\b(last|this|past|letzten|dernier|vorigen) )?(?<!\\p{L})(${[...weekdays.keys()].join("|")})(?:'s)?(?!\\p{L})(?: (dernier|pasado|scorso))?`,
      "u",
    ),
  );
  if (weekday) {
    const beforeToday = /last|past|letzten|vorigen/.test(weekday[1] ?? "") || weekday[3] !== undefined;
    return told({ by: "weekday", weekday: weekdays.get(weekday[2]!)!, beforeToday });
  }
  return null;
}

function isDate(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function ofDayOf(found: Find, hasDay: boolean, isPast: boolean): Pick<AskedTime, "ofDay" | "relation"> {
  const match = found(clockTime);
  if (match) {
    const word = match[1] ?? match[6] ?? "";
    const relation = /^(?:before|until|till|by)$/.test(word)
      ? "before"
      : /^(?:after|since|from)$/.test(word)
        ? "after"
        : "in";
    const half = `${match[5] ?? match[8] ?? match[11] ?? ""}${match[9] ?? ""}`;
    const later = found(/\bin the (?:morning|afternoon|evening)\b|\bat night\b/);
    const hours = Number(match[2] ?? match[7] ?? match[10]);
    const isLate = /^p|afternoon|evening|night/.test(half + (later?.[0] ?? "")) && hours < 12;
    const at = (hours + (isLate ? 12 : 0)) * hour + Number(match[3] ?? 0) * 60 + Number(match[4] ?? 0);
    if (hours > 24 || Number(match[3] ?? 0) > 59) return { ofDay: null, relation: "in" };
    const isWholeHour = match[3] === undefined;
    const onMedia = isWholeHour || half !== "" ? null : match[4] === undefined ? at / 60 : at;
    const to = at + (isWholeHour ? hour : aroundAfter);
    return { ofDay: { from: at - aroundBefore, to, at, onMedia }, relation };
  }
  for (const [from, to, pattern] of partsOfDay) {
    if (!hasDay && !isPast) continue;
    const before = found(new RegExp(`\\b(before|after) (?=${pattern.source})`, "u"))?.[1];
    if (found(pattern)) {
      const relation = before === "before" ? "before" : before === "after" ? "after" : "in";
      return { ofDay: { from: from * hour, to: to * hour, at: null }, relation };
    }
  }
  return { ofDay: null, relation: "in" };
}

/** What is known of a stream's time. */
export interface StreamTime {
  readonly clock: Clock;
  /** The first and last moment known, in seconds. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** The moment "today" and "now" stand for, in its seconds. */
  readonly nowSeconds: number;
}

/** The spans a time stands for on a stream's clock, the latest first; `null` where its clock cannot tell. */
export function spansOf(asked: AskedTime, stream: StreamTime): readonly Span[] | null {
  const { clock, startSeconds, endSeconds, nowSeconds } = stream;
  if (asked.lastSeconds !== null) {
    const end = Math.min(endSeconds, nowSeconds);
    return [{ fromSeconds: end - asked.lastSeconds, toSeconds: end + 1, atSeconds: null }];
  }
  if (clock.kind === "media") return onMediaClock(asked, endSeconds);
  const days = asked.day === null ? daysOf(stream) : dayStart(asked.day, clock, nowSeconds);
  if (days === null) return null;
  return days
    .map((start) => {
      const { ofDay, relation } = asked;
      if (ofDay === null) return { fromSeconds: start, toSeconds: start + daySeconds, atSeconds: null };
      const at = ofDay.at === null ? null : start + ofDay.at;
      if (relation === "before")
        return { fromSeconds: start, toSeconds: at ?? start + ofDay.from, atSeconds: at };
      if (relation === "after")
        return { fromSeconds: at ?? start + ofDay.to, toSeconds: start + daySeconds, atSeconds: at };
      return { fromSeconds: start + ofDay.from, toSeconds: start + ofDay.to, atSeconds: at };
    })
    .filter(
      ({ fromSeconds, toSeconds }) =>
        asked.day !== null || (toSeconds > startSeconds && fromSeconds <= endSeconds),
    );
}

/** What is before or after a time of a recording; what is at one is found near it. */
function onMediaClock({ day, ofDay, relation }: AskedTime, endSeconds: number): Span[] | null {
  const at = ofDay?.onMedia ?? null;
  if (day !== null || at === null || relation === "in" || at > endSeconds) return null;
  const [fromSeconds, toSeconds] = relation === "before" ? [0, at] : [at, endSeconds + 1];
  return [{ fromSeconds, toSeconds, atSeconds: at }];
}

const mostDays = 14;

/** Starts of the last days of a stream, the latest first. */
function daysOf({ clock, startSeconds, endSeconds }: StreamTime): number[] {
  const last = dayOfMoment(endSeconds, clock);
  const starts: number[] = [];
  for (let start = last; start + daySeconds > startSeconds && starts.length < mostDays; start -= daySeconds)
    starts.push(start);
  return starts;
}

/** Where the day of a moment begins, in seconds of the stream. */
function dayOfMoment(seconds: number, clock: Clock): number {
  const origin = clock.kind === "wall" ? clock.originMs / 1000 : 0;
  return Math.floor((seconds + origin) / daySeconds) * daySeconds - origin;
}

function dayStart(day: AskedDay, clock: Clock, nowSeconds: number): number[] | null {
  const today = dayOfMoment(nowSeconds, clock);
  if (day.by === "relative") return [today + day.days * daySeconds];
  if (clock.kind === "day") return day.by === "number" ? [(day.day - 1) * daySeconds] : null;
  if (clock.kind !== "wall") return null;
  const origin = clock.originMs / 1000;
  if (day.by === "number") return [dayOfMoment(0, clock) + (day.day - 1) * daySeconds];
  if (day.by === "weekday") {
    const weekday = new Date((today + origin) * 1000).getUTCDay();
    const back = (weekday - day.weekday + 7) % 7;
    return [today - (back === 0 && day.beforeToday ? 7 : back) * daySeconds];
  }
  const year = day.year ?? new Date((today + origin) * 1000).getUTCFullYear();
  const of = (inYear: number) => Date.UTC(inYear, day.month - 1, day.day) / 1000 - origin;
  // Without a year it is the last such day.
  return [day.year === null && of(year) > nowSeconds ? of(year - 1) : of(year)];
}
