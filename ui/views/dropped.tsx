/** The tray of what was heard and seen lately and not kept, and a way to say that such things matter. */
import { useState } from "preact/hooks";
import { Moment } from "../parts/moment.tsx";
import { Empty, Failed, Loading } from "../parts/notes.tsx";
import type { Output } from "../state/api.ts";
import { count, percent } from "../state/format.ts";
import { patch, usePlace } from "../state/location.ts";
import { useApi, useChanges, useLoaded } from "../state/use.ts";

type Line = Output<"dropped">["lines"][number];

export function Dropped() {
  const api = useApi();
  const { query } = usePlace();
  const streams = useLoaded(() => api.memory.streams(), [api.space]);
  const { data, error, reload } = useLoaded(
    () => api.memory.dropped({ limit: 200, ...(query.stream !== undefined && { streams: [query.stream] }) }),
    [api.space, query.stream],
  );
  useChanges(["clip", "forgotten"], reload, 2000);
  return (
    <main>
      <div class="head">
        <h1>Dropped</h1>
        {(streams.data?.streams.length ?? 0) > 1 && (
          <select
            aria-label="Stream"
            value={query.stream ?? ""}
            onChange={({ currentTarget }) => patch({ stream: currentTarget.value, line: null })}
          >
            <option value="">all streams</option>
            {streams.data!.streams.map((one) => (
              <option key={one.stream}>{one.stream}</option>
            ))}
          </select>
        )}
      </div>
      <p class="lead">
        What was said and shown lately and is in no memory. It goes when its observation does, after an hour
        of the stream. Say what should have been kept, and the memory learns to.
      </p>
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && data.lines.length === 0 && (
        <Empty title="Nothing was dropped">
          {data.seen === 0
            ? "No observation is held any more, or nothing was said or shown."
            : `All ${count(data.seen, "line")} that are still held are in a memory.`}
        </Empty>
      )}
      {data && data.lines.length > 0 && (
        <p class="muted small">
          {(data.lines.length + data.left).toLocaleString("en")} of {count(data.seen, "line")}
        </p>
      )}
      <ul class="tray">
        {data?.lines.map((line) => (
          <Tray key={`${line.stream} ${line.startSeconds} ${line.text}`} line={line} />
        ))}
      </ul>
    </main>
  );
}

function Tray({ line }: { line: Line }) {
  const api = useApi();
  const { query } = usePlace();
  const [state, setState] = useState<"" | "asking" | "sent">("");
  const [error, setError] = useState<Error>();
  const { stream, startSeconds, endSeconds, at, kind, text, speaker, share, revision } = line;
  const name = `${stream} ${startSeconds}`;
  const isOpen = query.line === name;
  const send = (question: string, remember: boolean) =>
    api.memory
      .keep({
        ...{ stream, text, remember },
        ...(question !== "" && { question }),
        ...(speaker !== undefined && { speaker }),
      })
      .then(() => setState("sent"), setError);
  return (
    <li class="card tray-line">
      <div class="tray-head">
        <p class="muted small">
          <time>{at}</time> {stream} ·{" "}
          {kind === "screen" ? "on the screen" : kind === "caption" ? "caption" : (speaker ?? "said")}
          {share > 0 && (
            <span title="of its words are in a memory of its time"> · {percent(share)} of it is kept</span>
          )}
          {revision && (
            <>
              {" "}
              · dropped by <code>{revision}</code>
            </>
          )}
        </p>
        <p class="tray-text">{text}</p>
      </div>
      <div class="actions">
        <button
          type="button"
          class="quiet"
          aria-expanded={isOpen}
          onClick={() => patch({ line: isOpen ? null : name }, true)}
        >
          {isOpen ? "Hide" : "Show"}
        </button>
        {api.may("write") && state === "" && (
          <button type="button" onClick={() => setState("asking")}>
            Keep this kind of thing…
          </button>
        )}
      </div>
      {isOpen && (
        <div class="tray-moment">
          <Moment {...{ stream, startSeconds, endSeconds }} />
        </div>
      )}
      {state === "asking" && (
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            const form = new FormData(event.currentTarget);
            void send(String(form.get("question")).trim(), form.get("remember") !== null);
          }}
        >
          <label for={`q ${name}`} class="small">
            Which question does it answer? The memory learns from its words; without one it learns from the
            line.
          </label>
          <input id={`q ${name}`} name="question" placeholder="Where is the ladder?" />
          <label class="small">
            <input type="checkbox" name="remember" defaultChecked /> remember this line too
          </label>
          <p class="actions">
            <button type="submit" class="main">
              Keep such things
            </button>
            <button type="button" class="quiet" onClick={() => setState("")}>
              Cancel
            </button>
          </p>
        </form>
      )}
      {state === "sent" && (
        <p class="small good" role="status">
          Noted. The memory learns from it with the next questions.
        </p>
      )}
      {error && <p class="bad small">{error.message}</p>}
    </li>
  );
}
