/** Forgetting for good: first what would go, then a confirmation of exactly that. */
import { useEffect, useState } from "preact/hooks";
import { Failed, Loading } from "../parts/notes.tsx";
import { type Output, ServerError } from "../state/api.ts";
import { count } from "../state/format.ts";
import { patch, usePlace } from "../state/location.ts";
import { useApi, useLoaded } from "../state/use.ts";

type Report = Output<"forget">;
type Request = Readonly<Record<string, unknown>>;

/** What the address asks to forget; `null` for nothing. */
function requestOf({
  stream,
  from,
  to,
  person,
  query,
  entries,
}: Readonly<Record<string, string>>): Request | null {
  const request = {
    ...(stream && { streams: [stream] }),
    ...(from && { fromSeconds: Number(from) }),
    ...(to && { toSeconds: Number(to) }),
    ...(person && { person }),
    ...(query && { query }),
    ...(entries && { entries: entries.split(",") }),
  };
  return Object.keys(request).length === 0 ? null : request;
}

export function Forget() {
  const api = useApi();
  const { query } = usePlace();
  const streams = useLoaded(() => api.memory.streams(), [api.space]);
  const request = requestOf(query);
  if (!api.may("forget"))
    return (
      <main>
        <h1>Forget</h1>
        <p class="lead">
          This key may not forget. Ask for one with the scope <code>forget</code>.
        </p>
      </main>
    );
  return (
    <main>
      <h1>Forget</h1>
      <p class="lead">
        What is forgotten goes with all that was made of it: text, vectors, pictures, questions, what was
        learned from them. All that you name below must hold together. First you see what would go.
      </p>
      <form
        class="card forget-form"
        key={JSON.stringify(query)}
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const value = (name: string) => String(form.get(name) ?? "").trim();
          patch({
            ...{ stream: value("stream"), person: value("person"), query: value("query") },
            ...{ from: value("from"), to: value("to"), entries: value("entries") },
          });
        }}
      >
        <label>
          <span>Of a stream</span>
          <select name="stream" value={query.stream ?? ""}>
            <option value="">any</option>
            {streams.data?.streams.map((one) => (
              <option key={one.stream}>{one.stream}</option>
            ))}
          </select>
        </label>
        <label>
          <span>From, in seconds of its time</span>
          <input
            name="from"
            inputMode="decimal"
            defaultValue={query.from ?? ""}
            placeholder="its beginning"
          />
        </label>
        <label>
          <span>Until</span>
          <input name="to" inputMode="decimal" defaultValue={query.to ?? ""} placeholder="its end" />
        </label>
        <label>
          <span>What a person said, or what names them</span>
          <input name="person" defaultValue={query.person ?? ""} placeholder="anyone" />
        </label>
        <label>
          <span>What holds all these words</span>
          <input name="query" defaultValue={query.query ?? ""} placeholder="any words" />
        </label>
        {query.entries && (
          <label>
            <span>These memories, by id</span>
            <input name="entries" defaultValue={query.entries} />
          </label>
        )}
        <p class="actions">
          <button type="submit" class="main">
            Show what would go
          </button>
        </p>
      </form>
      {request && <DryRun key={JSON.stringify(request)} request={request} />}
    </main>
  );
}

function DryRun({ request }: { request: Request }) {
  const api = useApi();
  const [times, setTimes] = useState(0);
  const { data, error, isLoading } = useLoaded(() => api.memory.forget(request), [request, times]);
  const [done, setDone] = useState<Report>();
  const [failed, setFailed] = useState<Error>();
  const [isSure, setSure] = useState(false);
  const [isForgetting, setForgetting] = useState(false);
  useEffect(() => setSure(false), [data]);
  const forget = () => {
    setForgetting(true);
    api.memory.forget({ ...request, confirm: data!.confirm }).then(setDone, (error: Error) => {
      setForgetting(false);
      setFailed(error);
      // What would go has changed: it is shown again, to be confirmed again.
      if (error instanceof ServerError && error.code === "confirm-invalid") setTimes((n) => n + 1);
    });
  };
  if (done) return <Gone report={done} />;
  if (error) return <Failed error={error} />;
  if (!data) return <Loading />;
  const nothing = Object.values(data.removed).every((n) => n === 0);
  return (
    <section class="card below" aria-live="polite">
      <h2>{nothing ? "Nothing would go" : "This would go, for good"}</h2>
      <Counts removed={data.removed} />
      {data.sample.length > 0 && (
        <>
          <h3>Such as</h3>
          <ul class="plain-list">
            {data.sample.map(({ entry, text }) => (
              <li key={entry}>{text}</li>
            ))}
          </ul>
        </>
      )}
      <OutOfReach reasons={data.outOfReach} />
      {failed && <p class="note">{failed.message}</p>}
      {!nothing && (
        <p class="actions">
          <label class="small">
            <input
              type="checkbox"
              checked={isSure}
              onChange={({ currentTarget }) => setSure(currentTarget.checked)}
            />{" "}
            I have looked at it
          </label>
          <button
            type="button"
            class="danger"
            disabled={!isSure || isForgetting || isLoading}
            onClick={forget}
          >
            {isForgetting ? "Forgetting…" : "Forget it for good"}
          </button>
        </p>
      )}
    </section>
  );
}

const names: Readonly<Record<string, readonly [string, string]>> = {
  entries: ["memory", "memories"],
  clips: ["clip", "clips"],
  tasks: ["question", "questions"],
  adapters: ["adapter", "adapters"],
  gaps: ["gap", "gaps"],
  streams: ["stream", "streams"],
  blobs: ["picture", "pictures"],
};

function Counts({ removed }: { removed: Report["removed"] }) {
  return (
    <p class="counts">
      {Object.entries(removed)
        .filter(([, n]) => n > 0)
        .map(([name, n]) => (
          <span key={name} class="state">
            {count(n, ...(names[name] ?? ([name, name] as const)))}
          </span>
        ))}
    </p>
  );
}

function OutOfReach({ reasons }: { reasons: readonly string[] }) {
  if (reasons.length === 0) return null;
  return (
    <>
      <h3>What cannot be reached from here</h3>
      <ul class="plain-list small">
        {reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    </>
  );
}

function Gone({ report }: { report: Report }) {
  return (
    <section class="card below" role="status">
      <h2>Forgotten</h2>
      <Counts removed={report.removed} />
      <OutOfReach reasons={report.outOfReach} />
      <p class="actions">
        <button
          type="button"
          onClick={() =>
            patch({ stream: null, from: null, to: null, person: null, query: null, entries: null })
          }
        >
          Forget something else
        </button>
      </p>
    </section>
  );
}
