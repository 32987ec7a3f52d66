/**
 * What test files get in place of `node:test`: it keeps tests to be run as often as needed, in one process.
 *
 * Left out: what the learning code's tests do not use, such as plans, snapshots and tests that end by a callback.
 */
import { mock } from "node:test";

type Body = (t: TestContext) => unknown;
type Options = { readonly skip?: boolean | string; readonly todo?: boolean | string };

/** What a test gets. */
export class TestContext {
  readonly mock = mock;
  readonly signal = new AbortController().signal;
  readonly #after: (() => unknown)[] = [];
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  after = (hook: () => unknown): void => void this.#after.push(hook);
  diagnostic = (): void => {};
  skip = (): void => {};
  test = async (name: string, ...rest: readonly unknown[]): Promise<void> => {
    const t = new TestContext(name);
    try {
      await (rest.at(-1) as Body)(t);
    } finally {
      await t.end();
    }
  };

  async end(): Promise<void> {
    for (const hook of this.#after.reverse()) await hook();
    mock.reset();
  }
}

/** What stands in one `describe`, or in a file. */
interface Suite {
  readonly parent: Suite | null;
  readonly name: string;
  readonly hooks: Record<"before" | "beforeEach" | "afterEach" | "after", (() => unknown)[]>;
  started: boolean;
}

/** A test that can be run again. */
export interface Test {
  readonly name: string;
  /** Runs what is to run once before it, unless it ran already. */
  prepare(): Promise<void>;
  /** @throws whatever an assertion of it throws */
  run(): Promise<void>;
}

const suite = (parent: Suite | null, name: string): Suite => ({
  ...{ parent, name, hooks: { before: [], beforeEach: [], afterEach: [], after: [] }, started: false },
});

let current = suite(null, "");
let collected: Test[] = [];
const suites: Suite[] = [current];

/** Tests that were declared since the last call, as those of one file. */
export function takeTests(file: string): Test[] {
  const taken = collected;
  collected = [];
  current = suite(null, "");
  suites.push(current);
  return taken.map((each) => ({ ...each, name: `${file}: ${each.name}` }));
}

/** Runs what was to run after all tests. */
export async function endSuites(): Promise<void> {
  for (const { hooks, started } of suites.reverse())
    if (started) for (const hook of hooks.after) await hook();
}

function declare(name: string, ...rest: readonly unknown[]): Promise<void> {
  const body = rest.at(-1) as Body;
  const options = (rest.length > 1 ? rest[0] : {}) as Options;
  if (options.skip || options.todo) return Promise.resolve();
  const chain: Suite[] = [];
  for (let each: Suite | null = current; each; each = each.parent) chain.unshift(each);
  const path = [...chain.map((each) => each.name), name].filter((each) => each !== "").join(" > ");
  const prepare = async () => {
    for (const each of chain) {
      if (each.started) continue;
      each.started = true;
      for (const hook of each.hooks.before) await hook();
    }
  };
  const run = async () => {
    await prepare();
    const t = new TestContext(name);
    try {
      for (const each of chain) for (const hook of each.hooks.beforeEach) await hook();
      await body(t);
    } finally {
      await t.end();
      for (const each of chain.toReversed()) for (const hook of each.hooks.afterEach) await hook();
    }
  };
  collected.push({ name: path, prepare, run });
  return Promise.resolve();
}

export const test = Object.assign(declare, { skip: () => {}, todo: () => {} });
export const it = test;
export function describe(name: string, ...rest: readonly unknown[]): void {
  const outer = current;
  current = suite(outer, name);
  suites.push(current);
  (rest.at(-1) as () => void)();
  current = outer;
}
export const before = (hook: () => unknown): void => void current.hooks.before.push(hook);
export const beforeEach = (hook: () => unknown): void => void current.hooks.beforeEach.push(hook);
export const afterEach = (hook: () => unknown): void => void current.hooks.afterEach.push(hook);
export const after = (hook: () => unknown): void => void current.hooks.after.push(hook);
export { mock };
export default test;
