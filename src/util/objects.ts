/** Plain objects as JSON has them. */

/** Whether a value is a plain object, not a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is given, and of `defaults` what it leaves out, at any depth. Lists are values. */
export function filledIn(
  given: Readonly<Record<string, unknown>>,
  defaults: object,
): Record<string, unknown> {
  const filled = { ...given };
  for (const [key, value] of Object.entries(defaults)) {
    const own = filled[key];
    if (own === undefined) filled[key] = value;
    else if (isRecord(own) && isRecord(value)) filled[key] = filledIn(own, value);
  }
  return filled;
}

/** The values of an object that are no objects, by their path: `model.sampling.topP`. */
export function leavesOf(object: object, path = ""): [path: string, value: unknown][] {
  return Object.entries(object).flatMap(([key, value]) =>
    isRecord(value) ? leavesOf(value, `${path}${key}.`) : ([[`${path}${key}`, value]] as [string, unknown][]),
  );
}
