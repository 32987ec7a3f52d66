/** Whether a server keeps up. No key is asked for, so no space and no stream is named. */
import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { call, verbs } from "../contract/index.ts";
import type { Spaces } from "./spaces.ts";

/** How long a clip of a live stream may wait to be decided, in seconds. */
const longestLag = 60;
/** Less room than this is none: what one commit and the log may need. */
const leastFreeBytes = 2 ** 24;

/** What keeps the spaces that are open from keeping up: a disk that cannot be written, streams that lag. */
export async function troublesOf(spaces: Spaces): Promise<string[]> {
  const open = await spaces.opened();
  const listed = await Promise.all(open.map(({ memory }) => call(memory, verbs.streams, {})));
  const late = listed
    .flatMap(({ output }) => output.streams)
    .filter(({ lagSeconds = 0, pausedAt }) => lagSeconds > longestLag && pausedAt === undefined);
  const lag = `Streams whose clips wait longer than ${longestLag} s to be decided: ${late.length}.`;
  return [...(await unwritable(spaces.root)), ...(late.length > 0 ? [lag] : [])];
}

/** Why nothing can be written in a directory. */
async function unwritable(directory: string): Promise<string[]> {
  try {
    await access(directory, constants.W_OK);
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize < leastFreeBytes ? ["The disk is full."] : [];
  } catch (error) {
    return [`Nothing can be written to the spaces (${(error as NodeJS.ErrnoException).code}).`];
  }
}
