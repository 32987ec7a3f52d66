/** Where the page is: `/ui/{space}/{view}?…`. All that a view shows follows from it, so every link can be kept and sent. */
import { useEffect, useState } from "preact/hooks";

/** The views, in the order of their tabs. */
export const views = [
  "timeline",
  "ask",
  "streams",
  "learned",
  "dropped",
  "people",
  "storage",
  "forget",
  "trace",
] as const;
export type View = (typeof views)[number];

export interface Place {
  /** `null` before one is chosen. */
  readonly space: string | null;
  readonly view: View;
  readonly query: Readonly<Record<string, string>>;
}

/** The place of an address. */
export function placeOf({ pathname, search }: Pick<URL, "pathname" | "search">): Place {
  const [, , space = "", view = ""] = pathname.split("/");
  return {
    space: space === "" ? null : decodeURIComponent(space),
    view: views.find((one) => one === view) ?? "timeline",
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

/** Values of a query; `null` removes one. */
export type Patch = Readonly<Record<string, string | number | null | undefined>>;

/** The address of a place. */
export function addressOf(space: string, view: View, query: Patch = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === null || value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  const search = given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
  return `/ui/${encodeURIComponent(space)}/${view}${search}`;
}

const listeners = new Set<() => void>();
addEventListener("popstate", () => {
  for (const listener of listeners) listener();
});

/** Goes to an address of the dashboard. @param replace whether the present one is left out of the history */
export function go(address: string, replace = false): void {
  if (address === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  for (const listener of listeners) listener();
}

/** The present place, which draws again when it changes. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location));
  useEffect(() => {
    const listener = () => setPlace(placeOf(location));
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return place;
}

/** Changes values of the present query. */
export function patch(values: Patch, replace = false): void {
  const { space, view, query } = placeOf(location);
  if (space !== null) go(addressOf(space, view, { ...query, ...values }), replace);
}

/** Follows links of the dashboard without loading the page again; others, and those to be opened elsewhere, are left alone. */
export function followLinks(event: MouseEvent): void {
  const link = (event.target as Element).closest?.("a");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain || link.target !== "" || !link.pathname.startsWith("/ui/")) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
