/** Whether a server keeps up. No key is asked for, so no space and no stream is named. */
import { call, verbs } from "../contract/index.ts";
import type { Spaces } from "./spaces.ts";

/** How long a clip of a live stream may wait to be decided, in seconds. */
const longestLag = 60;

/** What keeps the spaces that are open from keeping up: a disk that cannot be written, streams that lag. */
export async function troublesOf(spaces: Spaces): Promise<string[]> {
  const open = await spaces.opened();
  const listed = await Promise.all(open.map(({ memory }) => call(memory, verbs.streams, {})));
  const late = listed
    .flatMap(({ output }) => output.streams)
    .filter(({ lagSeconds = 0, pausedAt }) => lagSeconds > longestLag && pausedAt === undefined);
  const lag = `Streams whose clips wait longer than ${longestLag} s to be decided: ${late.length}.`;
  return [...(await spaces.troubles()), ...(late.length > 0 ? [lag] : [])];
}
