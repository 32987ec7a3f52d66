/** The frame around the views: which space, which view, a key where one is asked for. */
import type { ComponentType } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Empty, Failed, Loading } from "./parts/notes.tsx";
import { key, request, ServerError, type SpaceInfo, spaceApi } from "./state/api.ts";
import { addressOf, followLinks, go, usePlace, type View } from "./state/location.ts";
import { Shown, useKeys, useLoaded } from "./state/use.ts";
import { Ask } from "./views/ask.tsx";
import { Dropped } from "./views/dropped.tsx";
import { Forget } from "./views/forget.tsx";
import { Learned } from "./views/learned.tsx";
import { People } from "./views/people.tsx";
import { Storage } from "./views/storage.tsx";
import { Streams } from "./views/streams.tsx";
import { Timeline } from "./views/timeline.tsx";
import { TraceView } from "./views/trace.tsx";

interface Tab {
  readonly title: string;
  readonly view: ComponentType;
}

/** The views by name; a view without a title has no tab. */
const tabs: Partial<Record<View, Tab>> = {
  timeline: { title: "Timeline", view: Timeline },
  ask: { title: "Ask", view: Ask },
  streams: { title: "Streams", view: Streams },
  learned: { title: "Learned", view: Learned },
  dropped: { title: "Dropped", view: Dropped },
  people: { title: "People", view: People },
  storage: { title: "Storage", view: Storage },
  forget: { title: "Forget", view: Forget },
  trace: { title: "", view: TraceView },
};

const names = (Object.keys(tabs) as View[]).filter((name) => tabs[name]!.title !== "");

export function App() {
  const [signedIn, setSignedIn] = useState(0);
  const spaces = useLoaded(
    async () => (await request<{ spaces: SpaceInfo[] }>("GET", "/v1/spaces")).spaces,
    [signedIn],
  );
  useEffect(() => {
    document.addEventListener("click", followLinks);
    return () => document.removeEventListener("click", followLinks);
  }, []);
  const { error, data } = spaces;
  if (error instanceof ServerError && error.status === 401)
    return <SignIn isWrong={key.get() !== null} onKey={() => setSignedIn((n) => n + 1)} />;
  if (error)
    return (
      <Alone>
        <Failed error={error} retry={spaces.reload} />
      </Alone>
    );
  if (!data)
    return (
      <Alone>
        <Loading />
      </Alone>
    );
  if (data.length === 0)
    return (
      <Alone>
        <NoSpace onMade={spaces.reload} />
      </Alone>
    );
  return (
    <Frame
      spaces={data}
      onSignOut={() => {
        key.clear();
        setSignedIn((n) => n + 1);
      }}
    />
  );
}

function Alone({ children }: { children: preact.ComponentChildren }) {
  return (
    <main class="alone">
      <h1 class="brand">TaskMem</h1>
      {children}
    </main>
  );
}

/** A ticket for what the page shows, renewed before it expires; `undefined` before there is one. */
function useTicket(space: string): string | null | undefined {
  const [ticket, setTicket] = useState<{ space: string; ticket: string | null }>();
  useEffect(() => {
    if (key.get() === null) {
      setTicket({ space, ticket: null });
      return;
    }
    let isCurrent = true;
    const renew = () =>
      request<{ ticket: string }>("POST", `/v1/spaces/${encodeURIComponent(space)}/tickets`, {}).then(
        ({ ticket }) => isCurrent && setTicket({ space, ticket }),
        () => isCurrent && setTicket((now) => now ?? { space, ticket: "" }),
      );
    void renew();
    const timer = setInterval(renew, 480_000);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [space]);
  return ticket?.space === space ? ticket.ticket : undefined;
}

function Frame({ spaces, onSignOut }: { spaces: readonly SpaceInfo[]; onSignOut: () => void }) {
  const { space, view } = usePlace();
  const shown = spaces.find((one) => one.space === space);
  useEffect(() => {
    if (space === null) go(addressOf(spaces[0]!.space, "timeline"), true);
  }, [space]);
  useEffect(() => {
    document.title = `${tabs[view]?.title || "How it was found"} · ${space ?? ""}`;
  }, [view, space]);
  const [isHelpOpen, setHelpOpen] = useState(false);
  useKeys((event) => {
    if (space === null) return;
    const name = names[Number(event.key) - 1];
    if (name) go(addressOf(space, name));
    else if (event.key === "/") {
      event.preventDefault();
      go(addressOf(space, "ask"));
      setTimeout(() => document.querySelector<HTMLElement>("#question")?.focus());
    } else if (event.key === "?") setHelpOpen((is) => !is);
    else if (event.key === "Escape") setHelpOpen(false);
  });
  const { view: View } = tabs[view] ?? tabs.timeline!;
  return (
    <>
      <header class="bar">
        <span class="brand">TaskMem</span>
        <select
          aria-label="Space"
          class="space"
          value={space ?? ""}
          onChange={({ currentTarget }) => go(addressOf(currentTarget.value, view))}
        >
          {spaces.map((one) => (
            <option key={one.space}>{one.space}</option>
          ))}
        </select>
        <nav aria-label="Views">
          {names.map((name) => (
            <a
              key={name}
              href={addressOf(space ?? spaces[0]!.space, name)}
              aria-current={name === view ? "page" : undefined}
            >
              {tabs[name]!.title}
            </a>
          ))}
        </nav>
        <button type="button" class="quiet help" aria-label="Keyboard" onClick={() => setHelpOpen(true)}>
          ?
        </button>
        {key.get() !== null && (
          <button type="button" class="quiet" onClick={onSignOut}>
            Sign out
          </button>
        )}
      </header>
      {isHelpOpen && <Help onClose={() => setHelpOpen(false)} />}
      {space === null ? null : shown ? (
        <InSpace key={shown.space} info={shown}>
          <View />
        </InSpace>
      ) : (
        <main>
          <Empty title={`There is no space ${space}`}>
            Choose another above, or ask for a key that reaches it.
          </Empty>
        </main>
      )}
    </>
  );
}

function InSpace({ info, children }: { info: SpaceInfo; children: preact.ComponentChildren }) {
  const ticket = useTicket(info.space);
  const api = useMemo(() => (ticket === undefined ? null : spaceApi(info, ticket)), [info, ticket]);
  return api === null ? (
    <main>
      <Loading />
    </main>
  ) : (
    <Shown.Provider value={api}>{children}</Shown.Provider>
  );
}

function SignIn({ isWrong, onKey }: { isWrong: boolean; onKey: () => void }) {
  return (
    <Alone>
      <form
        class="card stack"
        onSubmit={(event) => {
          event.preventDefault();
          const given = new FormData(event.currentTarget).get("key");
          key.set(String(given).trim());
          onKey();
        }}
      >
        <label for="key">Key of this server</label>
        <input id="key" name="key" type="password" required autocomplete="off" placeholder="tm_…" />
        {isWrong && <p class="bad">The server does not know this key.</p>}
        <p class="muted">
          It is kept for this tab only. Make one with <code>taskmem serve add-key NAME</code>.
        </p>
        <button type="submit" class="main">
          Open
        </button>
      </form>
    </Alone>
  );
}

function NoSpace({ onMade }: { onMade: () => void }) {
  const [error, setError] = useState<Error>();
  return (
    <form
      class="card stack"
      onSubmit={(event) => {
        event.preventDefault();
        const name = String(new FormData(event.currentTarget).get("name"));
        request("PUT", `/v1/spaces/${encodeURIComponent(name)}`, {}).then(onMade, setError);
      }}
    >
      <p>There is no space yet. A space is a memory of its own, for one user.</p>
      <label for="name">Name</label>
      <input id="name" name="name" required pattern="[a-z0-9][a-z0-9_\-]*" placeholder="home" />
      {error && <p class="bad">{error.message}</p>}
      <button type="submit" class="main">
        Make it
      </button>
    </form>
  );
}

const keys: readonly (readonly [string, string])[] = [
  [`1 … ${names.length}`, "views"],
  ["/", "ask"],
  ["← →", "the memory before, the next (timeline)"],
  ["+ −", "closer, further away (timeline)"],
  ["0", "the whole stream (timeline)"],
  ["Enter", "play the moment (timeline)"],
  ["Esc", "close"],
  ["?", "this list"],
];

function Help({ onClose }: { onClose: () => void }) {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes it too
    <div class="veil" onClick={onClose} role="presentation">
      <dialog open class="card" aria-label="Keyboard">
        <h2>Keyboard</h2>
        <dl class="keys">
          {keys.map(([name, does]) => (
            <div key={name}>
              <dt>
                <kbd>{name}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
      </dialog>
    </div>
  );
}
