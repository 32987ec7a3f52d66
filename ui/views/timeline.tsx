/** What is remembered of a stream, along its time. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { parseMoment } from "../../src/util/time.ts";
import { DayStrip, windowAround } from "../parts/day-strip.tsx";
import { EntryDetail } from "../parts/entry-detail.tsx";
import { Empty, Failed, Loading } from "../parts/notes.tsx";
import { VirtualList, type VirtualListHandle } from "../parts/virtual-list.tsx";
import type { Entry, Gap, Stream } from "../state/api.ts";
import { EntryPages, gapsBetween, pageSize } from "../state/entry-pages.ts";
import { clockOf, count, duration } from "../state/format.ts";
import { patch, usePlace } from "../state/location.ts";
import { useApi, useChanges, useKeys, useLoaded } from "../state/use.ts";

const rowHeight = 78;

export function Timeline() {
  const api = useApi();
  const { query } = usePlace();
  const { data, error, reload } = useLoaded(() => api.memory.streams(), [api.space]);
  useChanges(["clip", "entry", "forgotten"], reload, 3000);
  if (error)
    return (
      <main>
        <Failed error={error} retry={reload} />
      </main>
    );
  if (!data)
    return (
      <main>
        <Loading />
      </main>
    );
  const newest = data.streams.toSorted(newestFirst)[0];
  if (!newest)
    return (
      <main>
        <h1>Timeline</h1>
        <Empty title="Nothing is remembered yet">
          What is watched or pushed into this space appears here as it happens.
        </Empty>
      </main>
    );
  const stream =
    query.stream === undefined ? newest : data.streams.find((one) => one.stream === query.stream);
  return (
    <main class="wide">
      <div class="head">
        <h1>Timeline</h1>
        <select
          aria-label="Stream"
          value={stream?.stream ?? ""}
          onChange={({ currentTarget }) =>
            patch({ stream: currentTarget.value, entry: null, t: null, from: null, to: null })
          }
        >
          {!stream && <option value="">{query.stream}</option>}
          {data.streams.map((one) => (
            <option key={one.stream} value={one.stream}>
              {one.stream}
            </option>
          ))}
        </select>
        {stream && <JumpTo stream={stream} />}
      </div>
      {stream ? (
        <OneStream key={stream.stream} stream={stream} />
      ) : (
        <Empty title={`There is no stream ${query.stream}`}>It may have been forgotten.</Empty>
      )}
    </main>
  );
}

/** Those that were watched first, and of them the one with the latest memory. */
function newestFirst(a: Stream, b: Stream): number {
  const isWatched = (one: Stream) => Number(one.watchedSeconds >= 1);
  return isWatched(b) - isWatched(a) || ((a.lastEntryAt ?? "") < (b.lastEntryAt ?? "") ? 1 : -1);
}

function JumpTo({ stream }: { stream: Stream }) {
  const [isWrong, setWrong] = useState(false);
  const clock = clockOf(stream);
  const example = { media: "00:12:30", day: "DAY1 11:09", wall: "2026-11-23 08:39" }[clock.kind];
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const seconds = parseMoment(String(new FormData(event.currentTarget).get("moment")), clock);
        setWrong(seconds === null);
        if (seconds !== null) patch({ t: seconds, entry: null });
      }}
    >
      <input
        name="moment"
        class="jump"
        aria-label="Go to a moment"
        aria-invalid={isWrong}
        placeholder={`Go to ${example}`}
      />
    </form>
  );
}

function OneStream({ stream }: { stream: Stream }) {
  const api = useApi();
  const { query } = usePlace();
  const clock = useMemo(() => clockOf(stream), [stream.clock.kind, stream.clock.originMs]);
  const [from, to] = [query.from, query.to];
  const whole = useLoaded(
    () => api.memory.overview({ stream: stream.stream, stretches: 600, limit: pageSize }),
    [stream.stream],
  );
  const window = useLoaded(
    () =>
      from === undefined || to === undefined
        ? Promise.resolve(null)
        : api.memory.overview({
            stream: stream.stream,
            stretches: 300,
            fromSeconds: Number(from),
            toSeconds: Number(to),
          }),
    [stream.stream, from, to],
  );
  useChanges(["entry", "entry-closed", "gap", "forgotten"], () => {
    whole.reload();
    window.reload();
  });

  const [, drawAgain] = useState(0);
  const pages = useRef<EntryPages | undefined>(undefined);
  const [error, setError] = useState<Error>();
  useMemo(() => {
    if (!whole.data) return;
    const load = (cursor: string | undefined) =>
      api.memory
        .timeline({ streams: [stream.stream], limit: pageSize, frames: 1, cursor })
        .then(({ entries }) => entries);
    pages.current = new EntryPages(whole.data, load, () => drawAgain((n) => n + 1), pages.current);
  }, [whole.data]);
  const list = useRef<VirtualListHandle>(null);
  const sight = useRef<readonly [number, number]>([0, 20]);
  const inSight = useCallback((first: number, end: number) => {
    sight.current = [first, end];
    // Whoever drags the bar across all of it stops somewhere.
    setTimeout(() => {
      if (sight.current[0] === first) pages.current?.ensure(first, end).catch(setError);
    }, 60);
  }, []);
  useEffect(() => inSight(...sight.current), [whole.data]);

  // Where one looks follows from the address: an entry, or a moment.
  const [selected, setSelected] = useState<{ readonly index: number; readonly entry: string }>();
  const { entry: entryId, t } = query;
  useEffect(() => {
    const current = pages.current;
    if (!whole.data || !current || current.total === 0) return;
    if (entryId !== undefined && entryId === selected?.entry) return;
    let isCurrent = true;
    const { data } = whole;
    (async () => {
      if (entryId !== undefined) {
        const { entry } = await api.memory.evidence({ entry: entryId });
        const index = await current.placeOf(entryId, entry.startSeconds, data);
        if (!isCurrent) return;
        setSelected({ index, entry: entryId });
        list.current?.scrollTo(index, "start");
      } else if (t !== undefined) {
        const index = await current.placeAt(Number(t), data);
        if (!isCurrent) return;
        setSelected(undefined);
        list.current?.scrollTo(index, "start");
      } else setSelected(undefined);
    })().catch(setError);
    return () => {
      isCurrent = false;
    };
  }, [entryId, t, whole.data !== undefined]);

  const [isPlaying, setPlaying] = useState(false);
  const select = (index: number, isReplaced = true) => {
    const entry = pages.current?.at(index);
    if (!entry) return;
    setPlaying(false);
    setSelected({ index, entry: entry.entry });
    list.current?.scrollTo(index);
    patch({ entry: entry.entry, t: null }, isReplaced);
  };
  const step = async (by: number) => {
    const current = pages.current;
    if (!current || current.total === 0) return;
    const base = selected ? selected.index + by : sight.current[0];
    const index = Math.min(current.total - 1, Math.max(0, base));
    await current.ensure(index, index + 1).catch(setError);
    select(index, selected !== undefined);
  };
  const pick = (seconds: number) => patch({ t: Math.round(seconds * 10) / 10, entry: null }, true);
  const show = (next: readonly [number, number] | null) =>
    patch({ from: next?.[0] ?? null, to: next?.[1] ?? null }, true);
  const bounds: readonly [number, number] = [whole.data?.startSeconds ?? 0, whole.data?.endSeconds ?? 0];
  const shown: readonly [number, number] =
    from === undefined || to === undefined ? bounds : [Number(from), Number(to)];
  const chosen = selected ? pages.current?.at(selected.index) : undefined;
  const at = chosen?.startSeconds ?? (t === undefined ? undefined : Number(t));
  useKeys((event) => {
    const { key } = event;
    if (["ArrowRight", "ArrowDown", "j"].includes(key)) void step(1);
    else if (["ArrowLeft", "ArrowUp", "k"].includes(key)) void step(-1);
    else if (key === "+" || key === "=")
      show(windowAround(shown, bounds, 0.4, at ?? (shown[0] + shown[1]) / 2));
    else if (key === "-") show(windowAround(shown, bounds, 2.5, at ?? (shown[0] + shown[1]) / 2));
    else if (key === "0") show(null);
    else if (key === "Enter") setPlaying(true);
    else if (key === "Escape") patch({ entry: null, t: null });
    else return;
    event.preventDefault();
  });

  if (whole.error) return <Failed error={whole.error} retry={whole.reload} />;
  if (!whole.data) return <Loading />;
  const strip = window.data ?? whole.data;
  const { total } = pages.current!;
  return (
    <>
      <DayStrip {...{ overview: strip, clock, at, whole: bounds }} onPick={pick} onWindow={show} />
      {error && <p class="bad">{error.message}</p>}
      {total === 0 ? (
        <Empty title="Nothing of this stream was remembered">
          {stream.clips.waiting > 0
            ? `${count(stream.clips.waiting, "clip")} wait to be decided.`
            : "It was watched, and nothing in it was worth keeping. The tray of what was dropped may say more."}
        </Empty>
      ) : (
        <div class={`split ${entryId === undefined ? "" : "is-open"}`}>
          <section aria-label="Memories" class="split-list">
            <p class="muted small list-head">{count(total, "memory", "memories")}</p>
            <VirtualList
              count={total}
              rowHeight={rowHeight}
              label="Memories in time order"
              handle={list}
              onSight={inSight}
              active={selected && `row-${selected.index}`}
            >
              {(index) => (
                <Row
                  index={index}
                  count={total}
                  entry={pages.current!.at(index)}
                  before={index === 0 ? undefined : pages.current!.at(index - 1)}
                  gaps={whole.data!.gaps}
                  isSelected={index === selected?.index}
                  onSelect={() => select(index, false)}
                />
              )}
            </VirtualList>
          </section>
          <aside class="split-detail">
            {entryId === undefined ? (
              <Empty title="Choose a memory">The keys ← and → go from one to the next.</Empty>
            ) : (
              <EntryDetail
                id={entryId}
                isPlaying={isPlaying}
                onClose={() => patch({ entry: null })}
                onStep={(by) => void step(by)}
              />
            )}
          </aside>
        </div>
      )}
    </>
  );
}

interface RowProps {
  readonly index: number;
  readonly count: number;
  readonly entry: Entry | undefined;
  readonly before: Entry | undefined;
  readonly gaps: readonly Gap[];
  readonly isSelected: boolean;
  readonly onSelect: () => void;
}

function Row({ index, count, entry, before, gaps, isSelected, onSelect }: RowProps) {
  const api = useApi();
  const place = { id: `row-${index}`, "aria-posinset": index + 1, "aria-setsize": count };
  if (!entry)
    return <div {...place} role="option" class="row is-loading" aria-selected={false} tabIndex={-1} />;
  const [frame] = entry.frames ?? [];
  const missed = index > 0 && !before ? [] : gapsBetween(gaps, before, entry);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the timeline's keys do the same
    <div
      {...place}
      role="option"
      class={`row ${isSelected ? "is-selected" : ""}`}
      aria-selected={isSelected}
      tabIndex={-1}
      onClick={onSelect}
    >
      {missed.length > 0 && (
        <span
          class="row-gap"
          title={missed.map(({ at, until, detail }) => `${at} – ${until}: ${detail}`).join("\n")}
        >
          not watched for {duration(missed.reduce((sum, gap) => sum + gap.endSeconds - gap.startSeconds, 0))}
        </span>
      )}
      {frame && <img class="row-frame" src={api.picture(frame.hash)} alt="" loading="lazy" />}
      <div class="row-body">
        <p class="row-head">
          <time>{entry.at}</time>
          {entry.kind === "semantic" && <span class="chip">known</span>}
          {entry.speakers.slice(0, 3).map((name) => (
            <span key={name} class="chip">
              {name}
            </span>
          ))}
        </p>
        <p class="row-text">{entry.text}</p>
      </div>
    </div>
  );
}
