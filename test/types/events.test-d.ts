/** The events of `watch` are told apart by `event`, and nothing is left over. */
import type { Judged, Preference, WatchEvent } from "../../src/index.ts";
import { sameType } from "./same.ts";

export function lineOf(event: WatchEvent): string {
  switch (event.event) {
    case "stream-start":
      return event.stream;
    case "clip-end":
      return event.entries.map(({ text }) => text).join(" ");
    case "clip-failed":
      return `${event.code}: ${event.message}`;
    case "gap":
      return event.detail;
    case "pace":
      return `${event.every}`;
    case "source-status":
      return event.reason;
    case "stream-end":
      // @ts-expect-error: only a clip has a number
      event.clip;
      sameType<typeof event.reason, "ended" | "interrupted" | "budget-spent" | "engine-down">(true);
      return event.reason;
    default:
      return event satisfies never;
  }
}

export function preferenceOf(judged: Judged<Preference>): Preference | null {
  // @ts-expect-error: a failure has no value
  judged.value;
  return judged.ok ? judged.value : null;
}
