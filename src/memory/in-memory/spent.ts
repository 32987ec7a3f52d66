/** What models cost, a row a day, stream and purpose. */
import type { Spent, SpentDay } from "../records.ts";
import { streamOf } from "./journal.ts";
import type { State } from "./state.ts";

const dayOf = (atMs: number) => new Date(atMs).toISOString().slice(0, 10);

/** Adds to what was spent. @throws StoreError `stream-unknown` */
export function addSpent(state: State, { stream, purpose, atMs, cost }: Spent): void {
  if (stream !== null) streamOf(state, stream);
  const own = { day: dayOf(atMs), stream, purpose };
  const isOwn = (row: SpentDay) => row.day === own.day && row.stream === stream && row.purpose === purpose;
  const before = state.spent.find(isOwn);
  const sum: SpentDay = {
    ...own,
    calls: cost.calls + (before?.calls ?? 0),
    promptTokens: cost.promptTokens + (before?.promptTokens ?? 0),
    completionTokens: cost.completionTokens + (before?.completionTokens ?? 0),
    usd: cost.usd + (before?.usd ?? 0),
    unpriced: (cost.pricedBy?.none ?? 0) + (before?.unpriced ?? 0),
  };
  state.spent = [...state.spent.filter((row) => !isOwn(row)), sum];
}

/** What was spent since a moment's day, by day, then stream. */
export function spent(state: State, sinceMs: number): SpentDay[] {
  const places = [...state.streams.keys()];
  const place = ({ stream }: SpentDay) => (stream === null ? -1 : places.indexOf(stream));
  return state.spent
    .filter(({ day }) => day >= dayOf(sinceMs))
    .toSorted(
      (a, b) => a.day.localeCompare(b.day) || place(a) - place(b) || a.purpose.localeCompare(b.purpose),
    );
}
