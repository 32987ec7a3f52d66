/** `taskmem serve`: memories over HTTP, a space for each user, and the keys that reach them. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { loadConfig } from "../../config.ts";
import { ConfigError, isTaskMemError } from "../../errors.ts";
import { Keys, type Scope, scopes, serve } from "../../http/index.ts";
import { isPostgresUrl } from "../../memory/place.ts";
import type { Invocation } from "../invocation.ts";

interface ServeFlags {
  readonly root: string;
  readonly port?: number;
  readonly host?: string;
  readonly queue?: string;
  readonly space?: string[];
  readonly scope?: string[];
}

type Action = (invocation: Invocation, flags: ServeFlags, name: string) => Promise<void>;

/** What `taskmem serve` does, by name. */
export const actions = { start, "add-key": addKey, keys: listKeys, "remove-key": removeKey } satisfies Record<
  string,
  Action
>;

export async function run(invocation: Invocation, action: keyof typeof actions, name = ""): Promise<void> {
  await actions[action](invocation, invocation.options as unknown as ServeFlags, name);
}

async function start({ flags, configFile, output, signal }: Invocation, given: ServeFlags): Promise<void> {
  const { memory: _, ...spaces } = await loadConfig(flags, { file: configFile });
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const { root, port, host, queue = process.env.TASKMEM_QUEUE } = given;
  const served = await serve({
    ...{ root: placeOfRoot(root), version, spaces },
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    ...(queue !== undefined && queue !== "" && { queue }),
    onError: (error) => output.note(isTaskMemError(error) ? error.message : (error.stack ?? error.message)),
  }).catch((cause) => {
    if (isTaskMemError(cause)) throw cause;
    throw new ConfigError("port-taken", `Cannot listen there: ${cause.message}. Name another --port.`, {
      cause,
    });
  });
  output.object({ event: "serve-start", url: served.url });
  output.text(`listening at ${served.url}; routes are in ${served.url}/openapi.json`);
  output.text(
    `the dashboard is at ${served.url}/ui/${(await served.keys.list()).length > 0 ? ", and asks for a key" : ""}`,
  );
  if (!signal.aborted) await once(signal, "abort");
  await served.close();
}

async function addKey(
  { output }: Invocation,
  { root, space = ["*"], scope }: ServeFlags,
  name: string,
): Promise<void> {
  const wanted = scope ?? ["read", "ask", "write", "forget", "learn"];
  const unknown = wanted.find((one) => !scopes.includes(one as Scope));
  if (unknown !== undefined)
    throw new ConfigError("scope-unknown", `Expected scopes of ${scopes.join(", ")}, got ${unknown}`);
  await using keys = await Keys.open(placeOfRoot(root));
  const key = await keys.add({ name, spaces: space, scopes: wanted as Scope[] });
  output.object({ event: "key-end", key, name, spaces: space, scopes: wanted });
  output.text(key);
  output.note("this is the only time it is shown; a hash of it is kept");
}

async function listKeys({ output }: Invocation, { root }: ServeFlags): Promise<void> {
  await using keys = await Keys.open(placeOfRoot(root));
  const all = await keys.list();
  for (const { hash: _, ...key } of all) {
    output.object(key);
    output.text(`${key.id}  ${key.name}  ${key.scopes.join(", ")} in ${key.spaces.join(", ")}`);
  }
  if (all.length === 0) output.note("no keys: only this machine is served");
}

async function removeKey({ output }: Invocation, { root }: ServeFlags, id: string): Promise<void> {
  await using keys = await Keys.open(placeOfRoot(root));
  await keys.remove(id);
  output.object({ event: "key-removed", id });
  output.text(`removed ${id}`);
}

const placeOfRoot = (root: string) => (isPostgresUrl(root) ? root : resolve(root));
