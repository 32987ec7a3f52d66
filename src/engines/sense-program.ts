/** The thread of the senses: it opens each when it is first asked, and answers one question after the other. */
import { answerWith } from "../util/asked-thread.ts";

/** A question to a sense. */
export interface SenseQuestion {
  /** URL of the sense's module, without an ending. */
  readonly module: string;
  readonly setup: object;
  readonly asked: object;
}

/** What it answers. */
export interface SenseAnswer {
  readonly answer: unknown;
}

/** What the module of a sense exports as `open`: it loads the nets. */
export type OpenSense<Setup, Asked, Answer> = (setup: Setup) => Promise<(asked: Asked) => Promise<Answer>>;

type Answering = (asked: object) => Promise<unknown>;

/** The ending that this file has: that of the modules beside it. */
const ending = /\.[cm]?[jt]s$/.exec(import.meta.url)![0];
const opened = new Map<string, Promise<Answering>>();

async function open(module: string, setup: object): Promise<Answering> {
  const sense = (await import(`${module}${ending}`)) as { open: OpenSense<object, object, unknown> };
  return sense.open(setup);
}

answerWith<SenseQuestion, SenseAnswer>(async ({ module, setup, asked }) => {
  const key = JSON.stringify([module, setup]);
  const answering = opened.get(key) ?? open(module, setup);
  opened.set(key, answering);
  // What could not be opened is tried again: its files may be there then.
  answering.catch(() => opened.delete(key));
  return { answer: await (await answering)(asked) };
});
