/** What views share: the space they show, what they loaded, and changes as they happen. */
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import type { SpaceApi } from "./api.ts";
import { type Change, follow } from "./changes.ts";

/** The space that is shown. */
export const Shown = createContext<SpaceApi | null>(null);

/** The API of the space that is shown. */
export function useApi(): SpaceApi {
  return useContext(Shown)!;
}

/** Something that is loaded. While it is loaded again, the last of it stays. */
export interface Loaded<Data> {
  readonly data: Data | undefined;
  readonly error: Error | undefined;
  readonly isLoading: boolean;
  reload(): void;
}

/** Loads something, and again when `on` changes. What comes too late is dropped. */
export function useLoaded<Data>(load: () => Promise<Data>, on: readonly unknown[]): Loaded<Data> {
  const [state, setState] = useState<Pick<Loaded<Data>, "data" | "error" | "isLoading">>({
    ...{ data: undefined, error: undefined, isLoading: true },
  });
  const [times, setTimes] = useState(0);
  const asked = useRef("");
  const what = JSON.stringify(on);
  useEffect(() => {
    let isCurrent = true;
    // What was loaded of something else is not shown as this.
    if (asked.current !== what) setState({ data: undefined, error: undefined, isLoading: true });
    asked.current = what;
    load().then(
      (data) => isCurrent && setState({ data, error: undefined, isLoading: false }),
      (error: Error) => isCurrent && setState(({ data }) => ({ data, error, isLoading: false })),
    );
    return () => {
      isCurrent = false;
    };
  }, [what, times]);
  const reload = useCallback(() => setTimes((n) => n + 1), []);
  return { ...state, reload };
}

/** Calls with changes of these kinds, at most every so often. */
export function useChanges(kinds: readonly Change["kind"][], then: () => void, everyMs = 400): void {
  const { space } = useApi();
  const latest = useRef(then);
  latest.current = then;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = follow(space, ({ kind }) => {
      if (!kinds.includes(kind) && kind !== "reset") return;
      timer ??= setTimeout(() => {
        timer = undefined;
        latest.current();
      }, everyMs);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [space, kinds.join(" ")]);
}

/** Calls with each key that is pressed outside of fields. */
export function useKeys(then: (event: KeyboardEvent) => void): void {
  const latest = useRef(then);
  latest.current = then;
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      const { tagName = "", isContentEditable = false } = event.target as HTMLElement;
      const isField = isContentEditable || ["INPUT", "TEXTAREA", "SELECT", "VIDEO"].includes(tagName);
      if (isField || event.metaKey || event.ctrlKey || event.altKey) return;
      latest.current(event);
    };
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);
}

/** Width of an element in pixels, 0 before it is known. */
export function useWidth<Of extends Element>(): [(element: Of | null) => void, number] {
  const [width, setWidth] = useState(0);
  const observer = useRef<ResizeObserver | undefined>(undefined);
  const ref = useCallback((element: Of | null) => {
    observer.current?.disconnect();
    if (!element) return;
    observer.current = new ResizeObserver(([entry]) => setWidth(Math.round(entry!.contentRect.width)));
    observer.current.observe(element);
    setWidth(Math.round(element.getBoundingClientRect().width));
  }, []);
  return [ref, width];
}
