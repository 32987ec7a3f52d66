/** What is watched: how far each stream is, what failed, what was left out. */
import { useState } from "preact/hooks";
import { Empty, Failed, Loading } from "../parts/notes.tsx";
import type { Output, Stream } from "../state/api.ts";
import { ago, bytes, count, duration, priceOf } from "../state/format.ts";
import { addressOf } from "../state/location.ts";
import { useApi, useChanges, useLoaded } from "../state/use.ts";

export function Streams() {
  const api = useApi();
  const { data, error, reload } = useLoaded(() => api.memory.streams(), [api.space]);
  const costs = useLoaded(() => api.memory.costs(), [api.space]);
  useChanges(["entry", "clip", "gap", "forgotten"], reload, 1000);
  return (
    <main>
      <h1>Streams</h1>
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data?.streams.length === 0 && (
        <Empty title="Nothing was watched yet">
          Watch something: <code>taskmem watch film.mp4 --memory DIRECTORY-OF-THE-SPACE</code>, or push texts
          and pictures to <code>POST /streams/NAME/items</code>.
        </Empty>
      )}
      <ul class="cards">
        {data?.streams.map((stream) => (
          <li key={stream.stream}>
            <StreamCard
              {...{ stream, reload }}
              cost={costs.data?.streams.find((one) => one.stream === stream.stream)}
            />
          </li>
        ))}
      </ul>
    </main>
  );
}

/** What a stream is about now, in a word or two, and whether that is well. */
function stateOf({
  ended,
  clips,
  lagSeconds,
  pausedAt,
}: Stream): readonly [string, "good" | "warn" | "bad" | "plain"] {
  if (pausedAt !== undefined) return [`paused ${ago(pausedAt)}`, "warn"];
  if (clips.failed > 0) return [`${count(clips.failed, "clip")} failed`, "bad"];
  if (lagSeconds !== undefined && lagSeconds > 120) return [`${duration(lagSeconds)} behind`, "warn"];
  if (clips.waiting > 0) return [`${count(clips.waiting, "clip")} to decide`, "plain"];
  if (ended) return ["watched to its end", "good"];
  return clips.stored > 0 ? ["all decided", "good"] : ["open", "plain"];
}

function StreamCard({
  stream,
  cost,
  reload,
}: {
  stream: Stream;
  cost: StreamCost | undefined;
  reload: () => void;
}) {
  const api = useApi();
  const [state, tone] = stateOf(stream);
  const { watchedSeconds, gapSeconds, lastEntryAt, lagSeconds, failures, leftOut } = stream;
  const stored = stream.bytes.entries + stream.bytes.observations + stream.bytes.frames;
  const share = watchedSeconds + gapSeconds > 0 ? watchedSeconds / (watchedSeconds + gapSeconds) : 1;
  return (
    <article class="card stream">
      <header>
        <h2>
          <a href={addressOf(api.space, "timeline", { stream: stream.stream })}>{stream.stream}</a>
        </h2>
        <span class={`state ${tone}`}>{state}</span>
        {isWatched(stream) && api.may("write") && <Pause {...{ stream, reload }} />}
      </header>
      {stream.description !== stream.stream && <p class="muted small path">{stream.description}</p>}
      <dl class="facts">
        <Fact name="Watched" value={duration(watchedSeconds)} />
        <Fact name="Memories" value={stream.entries.toLocaleString("en")} />
        <Fact
          name="Not watched"
          value={gapSeconds === 0 ? "nothing" : `${duration(gapSeconds)} in ${count(stream.gaps, "gap")}`}
        />
        {stream.seenUntil && watchedSeconds >= 1 && <Fact name="Seen until" value={ago(stream.seenUntil)} />}
        {lagSeconds !== undefined && <Fact name="Behind" value={duration(lagSeconds)} />}
        <Fact name="Latest memory" value={lastEntryAt ? ago(lastEntryAt) : "none yet"} />
        <Fact name="Takes" value={bytes(stored)} />
        {cost && <Fact name="Models, in 30 days" value={priceOf(cost)} />}
      </dl>
      {gapSeconds > 0 && (
        <div class="meter" title={`${Math.round(100 * share)} % of the time was watched`}>
          <span style={{ width: `${100 * share}%` }} />
        </div>
      )}
      {failures.length > 0 && <Failures {...{ stream, reload }} />}
      {leftOut.length > 0 && (
        <details>
          <summary>{count(leftOut.length, "thing")} left out</summary>
          <ul class="plain-list small">
            {leftOut.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </details>
      )}
    </article>
  );
}

type StreamCost = Output<"costs">["streams"][number];

/** Facts that were told are not watched: nobody can pause them. */
const isWatched = ({ clipSeconds }: Stream) => clipSeconds > 0.001;

function Pause({ stream: { stream, pausedAt, ended }, reload }: { stream: Stream; reload: () => void }) {
  const api = useApi();
  const [error, setError] = useState("");
  const isPaused = pausedAt !== undefined;
  if (ended && !isPaused) return null;
  const change = () =>
    api.memory.pause({ stream, paused: !isPaused }).then(reload, ({ message }: Error) => setError(message));
  return (
    <>
      <button
        type="button"
        title={
          isPaused
            ? "What comes is watched again"
            : "What comes is not watched, until it runs again: a gap is kept instead"
        }
        onClick={() => void change()}
      >
        {isPaused ? "Resume" : "Pause"}
      </button>
      {error && <span class="bad small">{error}</span>}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Failures({ stream, reload }: { stream: Stream; reload: () => void }) {
  const api = useApi();
  const [said, setSaid] = useState("");
  const isLasting = stream.failures.some(({ retryable }) => !retryable);
  const retry = () =>
    api.memory.retry({ stream: stream.stream }).then(
      ({ waiting, gone }) => {
        setSaid(
          `${count(waiting, "clip")} will be tried at the next watch${gone > 0 ? `; of ${gone} the observation is gone` : ""}.`,
        );
        reload();
      },
      (error: Error) => setSaid(error.message),
    );
  return (
    <details open>
      <summary>{count(stream.clips.failed, "clip")} without a memory</summary>
      <ul class="plain-list small">
        {stream.failures.map(({ clip, code, message, retryable, attempts }) => (
          <li key={clip}>
            <a
              href={addressOf(api.space, "timeline", {
                ...{ stream: stream.stream, t: clip * stream.clipSeconds },
              })}
            >
              Clip {clip}
            </a>{" "}
            <code>{code}</code> {message}{" "}
            <span class="muted">
              {retryable ? "It is tried again" : "It failed for good"} after {count(attempts, "try", "tries")}
              .
            </span>
          </li>
        ))}
      </ul>
      {isLasting && api.may("write") && (
        <button type="button" onClick={retry}>
          Try those again that failed for good
        </button>
      )}
      {said && <p role="status">{said}</p>}
    </details>
  );
}
