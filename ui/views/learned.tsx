/** What the memory has learned from the questions it was asked: adapters, how each was tried, and the words it weighs. */
import { useState } from "preact/hooks";
import { Chart } from "../parts/chart.tsx";
import { Empty, Failed, Loading } from "../parts/notes.tsx";
import type { Output, SpaceApi } from "../state/api.ts";
import { ago, count, percent } from "../state/format.ts";
import { addressOf, patch, usePlace } from "../state/location.ts";
import { useApi, useChanges, useLoaded } from "../state/use.ts";

type Adapter = Output<"adapters">["adapters"][number];
type Diff = NonNullable<Output<"diff">["result"]>;
type LearnResult = NonNullable<Output<"learn">["result"]>;

/** All adapters, in the order they were trained. */
async function allAdapters(api: SpaceApi): Promise<readonly Adapter[]> {
  const all: Adapter[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await api.memory.adapters({ limit: 100, cursor });
    all.push(...page.adapters);
    if (page.next === undefined) return all;
    cursor = page.next;
  }
}

export function Learned() {
  const api = useApi();
  const { query } = usePlace();
  const { data, error, reload } = useLoaded(() => allAdapters(api), [api.space]);
  const tasks = useLoaded(() => api.memory.tasks({ limit: 100, newest: true }), [api.space]);
  useChanges(["adapter", "forgotten"], reload);
  useChanges(["task", "feedback", "forgotten"], tasks.reload);
  const newest = data?.toReversed() ?? [];
  const active = newest.find(({ state }) => state === "active");
  const canary = newest.find((one) => one.canary !== undefined);
  const shown = newest.find(({ adapter }) => adapter === query.adapter) ?? active ?? newest[0];
  return (
    <main class="wide">
      <div class="head">
        <h1>What it has learned</h1>
        <span class="grow" />
        {api.may("learn") && <LearnNow onEnd={reload} />}
      </div>
      <p class="lead">
        Each question shows what matters. From them the memory trains small weights, tries them on questions
        that did not train them, and writes with them only if that went better.
      </p>
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && (
        <p class="active-line">
          {active ? (
            <>
              It writes with{" "}
              <a href={addressOf(api.space, "learned", { adapter: active.adapter })}>{nameOf(active)}</a>,
              trained on {count(active.tasks, "question")}.
            </>
          ) : (
            "It writes with nothing learned yet."
          )}
          {canary && (
            <>
              {" "}
              <a href={addressOf(api.space, "learned", { adapter: canary.adapter })}>{nameOf(canary)}</a> is
              on canary.
            </>
          )}
          {(active || canary) && api.may("learn") && <Rollback onEnd={reload} />}
        </p>
      )}
      {data && data.length > 1 && <Curve adapters={data} />}
      {data?.length === 0 && (
        <Empty title="Nothing was learned yet">
          The memory learns by itself after a few questions. {tasks.data?.tasks.length ?? 0} were asked so
          far.
        </Empty>
      )}
      {newest.length > 0 && (
        <div class="split is-even">
          <ul class="split-list runs" aria-label="Adapters">
            {newest.map((one) => (
              <li key={one.adapter}>
                <button
                  type="button"
                  class={`run ${one === shown ? "is-selected" : ""}`}
                  aria-pressed={one === shown}
                  onClick={() => patch({ adapter: one.adapter }, true)}
                >
                  <span class="run-head">
                    <strong>{nameOf(one)}</strong>
                    <State state={one.state} />
                  </span>
                  <span class="muted small">
                    {ago(one.since)} · {one.policy} · {count(one.tasks, "question")}
                  </span>
                  <span class="small">{one.reason}</span>
                </button>
              </li>
            ))}
          </ul>
          {shown && <Detail key={shown.adapter} adapter={shown} onChange={reload} />}
        </div>
      )}
      <Questions tasks={tasks.data?.tasks ?? []} />
    </main>
  );
}

const nameOf = ({ adapter }: Pick<Adapter, "adapter">) => adapter.replace(/^adapter_/, "");

const tones = { active: "good", refused: "bad", candidate: "plain", retired: "plain" } as const;

function State({ state }: { state: Adapter["state"] }) {
  return <span class={`state ${tones[state]}`}>{state === "refused" ? "refused by the gate" : state}</span>;
}

/** Share of held-out questions answered, without each adapter and with it, over time. */
function Curve({ adapters }: { adapters: readonly Adapter[] }) {
  const tried = adapters.filter((one) => one.tried !== undefined);
  if (tried.length < 2) return null;
  return (
    <section class="card">
      <h2>Held-out questions answered, adapter by adapter</h2>
      <Chart
        label="Share of held-out questions answered, before and after each adapter"
        lines={[
          { name: "without it", colour: "muted", values: tried.map(({ tried }) => tried!.accuracyBefore) },
          { name: "with it", colour: "accent", values: tried.map(({ tried }) => tried!.accuracyAfter) },
        ]}
      />
    </section>
  );
}

function Detail({ adapter, onChange }: { adapter: Adapter; onChange: () => void }) {
  const api = useApi();
  const { adapter: id } = adapter;
  const { data, error, reload } = useLoaded(
    () => api.memory.adapter({ adapter: id }),
    [adapter.adapter, adapter.state],
  );
  const [isAsking, setAsking] = useState(false);
  const [failed, setFailed] = useState<Error>();
  const [share, setShare] = useState("");
  const promote = () =>
    api.memory.promote({ adapter: id, ...(share !== "" && { share: Number(share) }) }).then(() => {
      setAsking(false);
      onChange();
    }, setFailed);
  const { tried } = adapter;
  const heaviest = data?.words.reduce(
    (most, { weight, before = 0 }) => Math.max(most, Math.abs(weight), Math.abs(before)),
    0,
  );
  return (
    <aside class="split-detail detail">
      <p class="run-head">
        <h2>{nameOf(adapter)}</h2>
        <State state={adapter.state} />
      </p>
      <p class="verdict-text">{adapter.reason}</p>
      {tried && (
        <dl class="facts">
          <div>
            <dt>Answered, before → after</dt>
            <dd>
              {percent(tried.accuracyBefore)} → {percent(tried.accuracyAfter)}
            </dd>
          </div>
          {tried.evidenceBefore !== undefined && tried.evidenceAfter !== undefined && (
            <div>
              <dt>Evidence kept</dt>
              <dd>
                {percent(tried.evidenceBefore)} → {percent(tried.evidenceAfter)}
              </dd>
            </div>
          )}
          <div>
            <dt>Won, lost</dt>
            <dd>
              {percent(tried.winRate)}, {percent(tried.lossRate)} of {tried.heldOut}
            </dd>
          </div>
        </dl>
      )}
      {adapter.canary && <Canary canary={adapter.canary} />}
      {api.may("learn") && adapter.state !== "active" && (
        <p class="actions">
          {isAsking ? (
            <>
              <span class="small">
                {adapter.state === "refused" ? "The gate refused it. " : ""}Write with it from now on?
              </span>
              <select
                aria-label="Of which streams"
                value={share}
                onChange={({ currentTarget }) => setShare(currentTarget.value)}
              >
                <option value="">all streams</option>
                <option value="0.5">half of the streams, on canary</option>
                <option value="0.25">a quarter of the streams, on canary</option>
              </select>
              <button type="button" class="main" onClick={promote}>
                Yes, promote it
              </button>
              <button type="button" class="quiet" onClick={() => setAsking(false)}>
                No
              </button>
            </>
          ) : (
            <button type="button" onClick={() => setAsking(true)}>
              Promote…
            </button>
          )}
        </p>
      )}
      {failed && <p class="bad small">{failed.message}</p>}
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && data.words.length > 0 && (
        <section>
          <h3>
            Words it pays attention to
            {data.before && (
              <span class="legend">
                <span class="legend-accent">now</span>
                <span class="legend-muted">in the one before</span>
              </span>
            )}
          </h3>
          <ul class="weights">
            {data.words.slice(0, 24).map(({ word, weight, before }) => (
              <li
                key={word}
                title={`${weight.toFixed(4)}${before === undefined ? "" : `, before ${before.toFixed(4)}`}`}
              >
                <span>{word}</span>
                <span class="weight">
                  <span style={{ width: `${(100 * Math.abs(weight)) / heaviest!}%` }} />
                  {before !== undefined && (
                    <span class="is-before" style={{ width: `${(100 * Math.abs(before)) / heaviest!}%` }} />
                  )}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {api.may("learn") && <Compared id={adapter.adapter} />}
      {data && (
        <section>
          <h3>Its history</h3>
          <ol class="plain-list small">
            {data.history.map(({ state, reason, at }) => (
              <li key={`${at} ${state}`}>
                {ago(at)}: {state}. <span class="muted">{reason}</span>
              </li>
            ))}
          </ol>
        </section>
      )}
      {data && data.questions.length > 0 && (
        <details>
          <summary>{count(adapter.tasks, "question")} that trained it</summary>
          <ul class="plain-list small">
            {data.questions.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </details>
      )}
    </aside>
  );
}

/** How an adapter does that writes a share of the streams. */
function Canary({ canary }: { canary: NonNullable<Adapter["canary"]> }) {
  const of = ({ asked, bad }: { asked: number; bad: number }) =>
    asked === 0 ? "none asked" : `${bad} of ${asked}`;
  return (
    <section class={`note ${canary.worse ? "" : "is-calm"}`}>
      On canary since {ago(canary.since)}: it writes {canary.streams.join(", ") || "no stream yet"}. Questions
      that went badly: {of(canary.own)} about them, {of(canary.others)} about the others, {of(canary.before)}{" "}
      before.{" "}
      {canary.p === undefined
        ? "Too few to tell."
        : canary.worse
          ? "That is worse: it is taken back."
          : "No worse so far."}
    </section>
  );
}

/** Work that takes longer than a request. */
function useOperation<Result>(
  begin: (memory: SpaceApi["memory"]) => Promise<{ readonly operation: string }>,
  then: (result: Result) => void,
) {
  const { memory } = useApi();
  const [state, setState] = useState<{ isRunning: boolean; error?: Error }>({ isRunning: false });
  const start = async () => {
    setState({ isRunning: true });
    try {
      const { state, problem, result } = await memory.ended(await begin(memory), { everyMs: 400 });
      if (state !== "done") throw new Error(problem?.detail ?? `It was ${state}.`);
      then(result as Result);
      setState({ isRunning: false });
    } catch (error) {
      setState({ isRunning: false, error: error as Error });
    }
  };
  return { ...state, start };
}

function LearnNow({ onEnd }: { onEnd: () => void }) {
  const [said, setSaid] = useState("");
  const { isRunning, error, start } = useOperation<LearnResult>(
    (memory) => memory.learn(),
    ({ activated, reason }) => {
      setSaid(activated ? "Something was learned." : `Nothing was learned: ${reason}`);
      onEnd();
    },
  );
  return (
    <span class="learn-now">
      <span class="small muted" role="status">
        {isRunning ? "Learning…" : (error?.message ?? said)}
      </span>
      <button type="button" disabled={isRunning} onClick={() => void start()}>
        Learn now
      </button>
    </span>
  );
}

function Rollback({ onEnd }: { onEnd: () => void }) {
  const api = useApi();
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<Error>();
  const rollback = () =>
    api.memory.rollback().then(() => {
      setAsking(false);
      onEnd();
    }, setError);
  if (error) return <span class="bad small"> {error.message}</span>;
  return isAsking ? (
    <span>
      {" "}
      Write with the one before it, or with nothing learned?{" "}
      <button type="button" class="main" onClick={rollback}>
        Yes, take it back
      </button>
      <button type="button" class="quiet" onClick={() => setAsking(false)}>
        No
      </button>
    </span>
  ) : (
    <button type="button" class="quiet" onClick={() => setAsking(true)}>
      Take it back…
    </button>
  );
}

/** What it keeps and drops of the last hour, beside what is written with now. */
function Compared({ id }: { id: string }) {
  const [diff, setDiff] = useState<Diff>();
  const { isRunning, error, start } = useOperation<Diff>((memory) => memory.diff({ adapter: id }), setDiff);
  return (
    <section>
      <h3>What it changes</h3>
      {!diff && (
        <button type="button" disabled={isRunning} onClick={() => void start()}>
          {isRunning ? "Comparing…" : "Compare on the last hour"}
        </button>
      )}
      {error && <p class="bad small">{error.message}</p>}
      {diff && (
        <>
          <p class="small">
            {count(diff.after.kept.memories, "memory", "memories")} instead of {diff.before.kept.memories};{" "}
            {diff.keptByBoth} kept by both;{" "}
            {count(diff.changed.length + diff.left, "decision differs", "decisions differ")} of{" "}
            {diff.decisions}.
          </p>
          <ul class="plain-list small">
            {diff.changed.slice(0, 20).map(({ at, stream, onlyBefore, onlyAfter }) => (
              <li key={`${stream} ${at}`}>
                <span class="muted">
                  <time>{at}</time> {stream}
                </span>
                {onlyBefore.map((text) => (
                  <span key={text} class="gone">
                    {text}
                  </span>
                ))}
                {onlyAfter.map((text) => (
                  <span key={text} class="new">
                    {text}
                  </span>
                ))}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Questions({ tasks }: { tasks: Output<"tasks">["tasks"] }) {
  const api = useApi();
  if (tasks.length === 0) return null;
  return (
    <section class="below">
      <h2>The questions it learns from</h2>
      <ul class="asked">
        {tasks.slice(0, 30).map(({ task, question, answer, abstained, askedAt, feedback }) => (
          <li key={task}>
            <a href={addressOf(api.space, "trace", { task })}>{question}</a>
            <span class={abstained ? "muted" : ""}>{abstained ? "not in memory" : answer}</span>
            <span class="muted small">
              {ago(askedAt)}
              {feedback &&
                ` · ${feedback.verdict}${feedback.correction ? `, right is: ${feedback.correction}` : ""}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
