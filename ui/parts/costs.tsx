/** What models cost: by day, by stream, and what thirty days cost at the rate of the last week. */
import type { Output } from "../state/api.ts";
import { count, dollars, priceOf, short } from "../state/format.ts";
import { addressOf } from "../state/location.ts";
import { useApi, useChanges, useLoaded } from "../state/use.ts";
import { Failed, Loading } from "./notes.tsx";

type Told = Output<"costs">;

export function Costs() {
  const api = useApi();
  const { data, error, reload } = useLoaded(() => api.memory.costs(), [api.space]);
  useChanges(["clip", "task", "adapter"], reload, 5000);
  return (
    <section class="below">
      <h2>Cost of models</h2>
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && (data.total.calls === 0 ? <Nothing /> : <Sum data={data} />)}
    </section>
  );
}

function Nothing() {
  return (
    <p class="muted">
      No model was asked in the last 30 days. What is written without one costs nothing but electricity.
    </p>
  );
}

function Sum({ data: { total, forecast, days, streams } }: { data: Told }) {
  const api = useApi();
  const isPriced = total.unpriced < total.calls;
  return (
    <>
      <p class="big">
        <strong>{isPriced ? dollars(total.usd) : `${short(tokensOf(total))} tokens`}</strong>{" "}
        <span class="muted">
          in 30 days: {count(total.calls, "call")}
          {isPriced && `, ${short(tokensOf(total))} tokens`}
          {total.unpriced > 0 &&
            `; the price of ${isPriced ? count(total.unpriced, "call") : "them"} is unknown`}
        </span>
      </p>
      <dl class="facts">
        <div>
          <dt>A day</dt>
          <dd>
            {forecast
              ? `about ${isPriced ? `${dollars(forecast.usdPerDay)}, ` : ""}${short(forecast.tokensPerDay)} tokens`
              : "not known yet"}
          </dd>
        </div>
        <div>
          <dt>The next 30 days</dt>
          <dd>
            {forecast
              ? `about ${isPriced ? dollars(forecast.usdIn30Days) : `${short(30 * forecast.tokensPerDay)} tokens`}`
              : "not known yet"}
          </dd>
        </div>
      </dl>
      <Days {...{ days, isPriced }} />
      <h3>By stream</h3>
      <ul class="plain-list">
        {streams.map((one) => (
          <li key={one.stream ?? ""} class="bar-head">
            {one.stream === undefined ? (
              <span>learning, and questions of no one stream</span>
            ) : (
              <a href={addressOf(api.space, "timeline", { stream: one.stream })}>{one.stream}</a>
            )}
            <span class="muted small">{priceOf(one)}</span>
            {one.perDay && (
              <span class="numbers">
                {isPriced ? dollars(one.perDay.usd) : `${short(one.perDay.tokens)} tokens`} a day
              </span>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

const purposes = { write: "writing", answer: "answering", learn: "learning" } as const;

/** A bar a day, of dollars, or of tokens where no price is known. */
function Days({ days, isPriced }: { days: Told["days"]; isPriced: boolean }) {
  const worth = (one: Told["days"][number]) => (isPriced ? one.usd : tokensOf(one));
  const byDay = Map.groupBy(days, ({ day }) => day);
  const sums = lastDays().map((day) => {
    const own = byDay.get(day) ?? [];
    const parts = (Object.keys(purposes) as (keyof typeof purposes)[]).map((purpose) => ({
      ...{
        purpose,
        sum: own.filter((one) => one.purpose === purpose).reduce((sum, one) => sum + worth(one), 0),
      },
    }));
    return { day, parts, sum: parts.reduce((sum, part) => sum + part.sum, 0) };
  });
  const most = sums.reduce((max, { sum }) => Math.max(max, sum), 0);
  const text = (value: number) => (isPriced ? dollars(value) : `${short(value)} tokens`);
  return (
    <figure class="days" role="img" aria-label={`Cost by day, at most ${text(most)}`}>
      <div class="days-bars">
        {sums.map(({ day, parts, sum }) => (
          <span
            key={day}
            class="day-bar"
            title={`${day}: ${text(sum)}${parts
              .filter((part) => part.sum > 0)
              .map((part) => `\n${purposes[part.purpose]} ${text(part.sum)}`)
              .join("")}`}
          >
            {parts.map(({ purpose, sum: of }) => (
              <span
                key={purpose}
                class={`is-${purpose}`}
                style={{ height: `${most > 0 ? (100 * of) / most : 0}%` }}
              />
            ))}
          </span>
        ))}
      </div>
      <figcaption class="legend small muted">
        <span class="legend-accent">writing</span>
        <span class="legend-soft">answering</span>
        <span class="legend-muted">learning</span>
        <i>
          {sums[0]!.day} to today, at most {text(most)} a day
        </i>
      </figcaption>
    </figure>
  );
}

/** The last thirty days of UTC. */
const lastDays = (nowMs = Date.now()) =>
  Array.from({ length: 30 }, (_, i) => new Date(nowMs - (29 - i) * 86_400_000).toISOString().slice(0, 10));

const tokensOf = (one: Readonly<Record<"promptTokens" | "completionTokens", number>>) =>
  one.promptTokens + one.completionTokens;
