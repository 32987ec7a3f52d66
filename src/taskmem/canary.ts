/**
 * An adapter on canary: the policy writes with it for a share of the streams, and with the active one for the others. It is
 * taken back by itself when answers about its streams get worse.
 *
 * What is counted: a question about one stream, asked of it or answered from it alone, since the canary began; where it is
 * answered, from something written since then. It went badly where its feedback says "wrong", or, without feedback, where it
 * was declined. A question of all streams that was declined is about none of them, and counts nowhere.
 *
 * What is compared: the share that went badly about the streams on canary with that about the others meanwhile, by Fisher's
 * exact test, one-sided. It does worse where p is below 0.05 and the share is also above that of its own streams before the
 * canary (where five questions or more were asked about them), so that streams which were hard before are no fault of it.
 *
 * When: after every fifth question about its streams from the tenth on, and ten about the others. Worse at two looks in a row
 * takes it back. Everything follows from the tasks that are kept, so all processes see the same, and feedback that comes late
 * counts.
 */
import { canaryOf } from "../memory/adapter-history.ts";
import type { Canary, KeptAdapter, Memory, StreamRecord } from "../memory/memory.ts";
import { notAnswered, type Task } from "../tasks/task.ts";
import { sha256 } from "../util/hash.ts";

/** Questions that are counted, and how many of them went badly. */
export interface Counted {
  readonly asked: number;
  readonly bad: number;
}

/** How an adapter on canary does. */
export interface CanaryStanding extends Canary {
  readonly adapter: string;
  readonly sinceMs: number;
  /** Streams of the memory that it writes. */
  readonly streams: readonly string[];
  /** About its streams, since it is on canary. */
  readonly own: Counted;
  /** About the others, in the same time. */
  readonly others: Counted;
  /** About its streams, before. */
  readonly before: Counted;
  /** Probability of so many bad ones of its own or more if it made no difference; `null` before the first look. */
  readonly p: number | null;
  /** Whether it did worse at the last look, and at the last two. */
  readonly isWorse: boolean;
  readonly isToGo: boolean;
}

const firstLook = 10;
const lookEvery = 5;
const leastOthers = 10;
const leastBefore = 5;
const level = 0.05;

/** Whether a stream is written with the adapter on canary. */
export function isOnCanary(adapter: string, { share, salt }: Canary, stream: string): boolean {
  return Number.parseInt(sha256(`${adapter} ${salt} ${stream}`).slice(0, 8), 16) / 2 ** 32 < share;
}

/** A canary of a share of these streams, of which at least one is on it and one is not. There are at least two. */
export function canaryFor(adapter: string, share: number, streams: readonly string[]): Canary {
  const wanted = Math.min(streams.length - 1, Math.max(1, Math.round(share * streams.length)));
  const count = (salt: number) =>
    streams.filter((stream) => isOnCanary(adapter, { share, salt }, stream)).length;
  let best = { salt: 0, miss: Number.POSITIVE_INFINITY };
  for (let salt = 0; salt < 10_000 && best.miss > 0; salt++) {
    const miss = Math.abs(count(salt) - wanted);
    if (miss < best.miss) best = { salt, miss };
  }
  return { share, salt: best.salt };
}

/** How the adapter on canary does; `null` where none is. */
export async function standingOf(
  memory: Memory,
  adapters: readonly KeptAdapter[],
): Promise<CanaryStanding | null> {
  const adapter = adapters.find((one) => canaryOf(one) !== null);
  if (!adapter) return null;
  const { sinceMs, ...canary } = canaryOf(adapter)!;
  const isOwn = (stream: string) => isOnCanary(adapter.id, canary, stream);
  const asked: AskedOf[] = [];
  for (const task of await memory.tasks()) {
    if (task.stream === null || isUnread(task)) continue;
    const isSince = task.askedAtMs >= sinceMs;
    if (isSince && !(await isOfLate(memory, task, sinceMs))) continue;
    asked.push({ isOwn: isOwn(task.stream), isSince, isBad: wentBadly(task) });
  }
  const streams = (await memory.streams()).filter(isWatched).map(({ id }) => id);
  return { ...canary, adapter: adapter.id, sinceMs, streams: streams.filter(isOwn), ...judged(asked) };
}

/** A question about one stream. */
export interface AskedOf {
  /** Whether the stream is on canary. */
  readonly isOwn: boolean;
  /** Whether it was asked since the canary began. */
  readonly isSince: boolean;
  readonly isBad: boolean;
}

/** Judges a canary by questions in the order they were asked. */
export function judged(
  asked: readonly AskedOf[],
): Pick<CanaryStanding, "own" | "others" | "before" | "p" | "isWorse" | "isToGo"> {
  const before = counted(asked.filter(({ isOwn, isSince }) => isOwn && !isSince));
  const since = asked.filter(({ isSince }) => isSince);
  const looks: { readonly p: number; readonly isWorse: boolean }[] = [];
  let own: Counted = { asked: 0, bad: 0 };
  let others: Counted = { asked: 0, bad: 0 };
  for (const { isOwn, isBad } of since) {
    if (!isOwn) {
      others = plus(others, isBad);
      continue;
    }
    own = plus(own, isBad);
    const isLook = own.asked >= firstLook && own.asked % lookEvery === 0 && others.asked >= leastOthers;
    if (!isLook) continue;
    const p = fisherGreater(own, others);
    const isHarder = before.asked < leastBefore || own.bad / own.asked > before.bad / before.asked;
    looks.push({ p, isWorse: p < level && isHarder });
  }
  const last = looks.at(-1);
  const isWorse = last?.isWorse ?? false;
  const isToGo = isWorse && (looks.at(-2)?.isWorse ?? false);
  return { own, others, before, p: last?.p ?? null, isWorse, isToGo };
}

/** Why an adapter was taken off canary, for people. */
export function whyTakenBack({ own, others, before, p }: CanaryStanding): string {
  const of = ({ asked, bad }: Counted) => `${bad} of ${asked}`;
  return `taken back by itself: ${of(own)} questions about its streams were declined or answered wrongly, ${of(others)} about the others meanwhile (p = ${p!.toPrecision(2)}), ${of(before)} about its own before`;
}

const plus = ({ asked, bad }: Counted, isBad: boolean): Counted => ({
  asked: asked + 1,
  bad: bad + Number(isBad),
});
const counted = (some: readonly AskedOf[]) =>
  some.reduce((sum, { isBad }) => plus(sum, isBad), { asked: 0, bad: 0 });

/** Streams of facts are written by no policy. */
export const isWatched = ({ clipSeconds }: StreamRecord): boolean => clipSeconds > 0.001;

/** Whether nothing of this memory answered it. */
const isUnread = ({ reader, feedback }: Task) =>
  feedback === null && (reader === notAnswered || reader === "elsewhere");

const wentBadly = ({ feedback, abstained }: Task) =>
  feedback === null ? abstained : feedback.verdict === "wrong";

/** Whether it was declined, or answered from something that was written since a moment. */
async function isOfLate(memory: Memory, { abstained, citations }: Task, sinceMs: number): Promise<boolean> {
  if (abstained || citations.length === 0) return true;
  for (const id of citations) {
    const entry = await memory.entry(id);
    if (entry && entry.writtenAtMs >= sinceMs) return true;
  }
  return false;
}

/**
 * Probability that, of two groups in which the same share went badly, the first has as many bad ones as it has or more, the
 * margins given (Fisher 1935).
 */
export function fisherGreater(first: Counted, second: Counted): number {
  const [n, bad] = [first.asked + second.asked, first.bad + second.bad];
  const ways = logChoose(n, first.asked);
  let p = 0;
  for (let k = first.bad; k <= Math.min(first.asked, bad); k++)
    p += Math.exp(logChoose(bad, k) + logChoose(n - bad, first.asked - k) - ways);
  return Math.min(1, p);
}

/** Logarithm of a binomial coefficient; −∞ where it is 0. */
function logChoose(n: number, k: number): number {
  if (k < 0 || k > n) return Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i);
  return sum;
}
