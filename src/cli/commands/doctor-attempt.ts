/** How the checks of `taskmem doctor` meet errors. */
import type { Check } from "../../taskmem/check.ts";

/** What work gives, or a check that says why it failed. */
export async function attempt<T>(
  check: string,
  work: () => Promise<T>,
): Promise<{ value: T } | { failed: Check }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { failed: { check, state: "broken", detail: (error as Error).message, fix: null } };
  }
}
