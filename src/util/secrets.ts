/**
 * Keeps secrets out of texts. Every key and password of this process is named once (`keepSecret`); `masked` then
 * replaces it wherever a text is printed, logged or stored, also where it is URL-encoded, base64 or escaped as JSON.
 *
 * A secret that could be a word (`EMPTY`, `ollama`, `password`) is not replaced in free text, which would damage what
 * was said. `maskedMessage` still replaces it where its place gives it away: in a URL, or after `Authorization:`.
 */

import { inspect } from "node:util";

const mask = "[key]";

/** Names in a query whose value is a secret. */
const secretName = /(?:key|token|secret|passw(?:or)?d|pwd|auth|sig|signature|credentials?)$|^code$/i;

/** All forms of the secrets of this process, longest first. */
let forms: readonly string[] = [];
let pattern: RegExp | null = null;

/** Names a secret, which `masked` replaces from now on; what could be a word, only as a bearer token. */
export function keepSecret(secret: string | undefined): void {
  if (secret === undefined || secret.trim() === "") return;
  const all = [`Bearer ${secret}`, ...(isTelling(secret) ? formsOf(secret) : [])];
  const added = all.filter((form) => !forms.includes(form));
  if (added.length === 0) return;
  forms = [...forms, ...added].sort((a, b) => b.length - a.length);
  pattern = new RegExp(forms.map(escaped).join("|"), "g");
}

/** Names the secrets of environment variables: `TASKMEM_…KEY`, `OPENAI_API_KEY`, and the like. */
export function keepSecretsOf(env: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(env))
    if (/^(TASKMEM|OPENAI|HF|HUGGING_?FACE|AWS)_.*(KEY|TOKEN|SECRET|PASSWORD)$/i.test(name))
      keepSecret(value);
}

/** Names the secrets in a URL: its password, and values of its query such as `api_key`. */
export function keepSecretsIn(url: string): void {
  const parsed = URL.parse(url);
  if (parsed === null) return;
  const { username, password, searchParams } = parsed;
  if (password !== "") {
    keepSecret(decoded(password));
    keepSecret(`${decoded(username)}:${decoded(password)}`);
  }
  for (const [name, value] of searchParams) if (secretName.test(name)) keepSecret(value);
}

/** The text without the secrets of this process. */
export function masked(text: string): string {
  return pattern === null ? text : text.replace(pattern, mask);
}

/** The text without the secrets of this process, and without what stands where secrets do. */
export function maskedMessage(text: string): string {
  return masked(text)
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"']*:[^\s/?#"']*@/gi, `$1${mask}@`)
    .replace(/([?&]([\w.-]+)=)([^&\s"'#<>\\]+)/g, (whole, start: string, name: string) =>
      secretName.test(name) ? `${start}${mask}` : whole,
    )
    .replace(
      /((?:authorization|x-api-key|api[-_]key)\\?["']?\s*[:=]\s*\\?["']?(?:(?:bearer|basic)\s+)?)(?!\[key\])[^\s"',;\\}]+/gi,
      `$1${mask}`,
    );
}

/** A JSON value whose texts are masked by `how`, keys of objects too. */
export function maskedValue<T>(value: T, how: (text: string) => string = masked): T {
  if (typeof value === "string") return how(value) as T;
  if (Array.isArray(value)) return value.map((item) => maskedValue(item, how)) as T;
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [how(key), maskedValue(item, how)]),
  ) as T;
}

/** An error as the cause of another: as it is, or, where it holds a secret, a copy of name, code, message and causes. */
export function maskedCause(cause: unknown): unknown {
  const shownWhole = inspect(cause, { depth: 8 });
  if (maskedMessage(shownWhole) === shownWhole) return cause;
  if (!(cause instanceof Error)) return maskedValue(cause, maskedMessage);
  const { name, message, stack, code, cause: inner } = cause as NodeJS.ErrnoException & { cause?: unknown };
  const shown = new Error(maskedMessage(message), inner === undefined ? {} : { cause: maskedCause(inner) });
  shown.name = name;
  if (stack !== undefined) shown.stack = maskedMessage(stack);
  return code === undefined ? shown : Object.assign(shown, { code });
}

/** Whether a text cannot be taken for a word: it mixes letters, digits and signs, or capitals in odd places, or is long. */
function isTelling(secret: string): boolean {
  const kinds = [/\p{L}/u, /\d/, /[^\p{L}\d]/u].filter((kind) => kind.test(secret)).length;
  if (kinds >= 2) return secret.length >= 4;
  const isCased = /\p{Ll}\p{Lu}/u.test(secret) || /^\p{Lu}{2}/u.test(secret);
  return secret.length >= (isCased ? 8 : 12);
}

function formsOf(secret: string): string[] {
  const url = encodeURIComponent(secret.toWellFormed());
  const lowerUrl = url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  const json = JSON.stringify(secret).slice(1, -1);
  const coded = [0, 1, 2].flatMap((before) => base64At(secret, before));
  const alone = Buffer.from(secret).toString("base64");
  return [...new Set([secret, url, lowerUrl, url.replaceAll("%20", "+"), json, alone, ...coded])];
}

/** How a secret reads inside base64, some bytes after a group of three; only the letters it alone decides. */
function base64At(secret: string, before: number): string[] {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
  const whole = bytes.toString("base64").replaceAll("=", "");
  const first = before === 0 ? 0 : before + 1;
  const last = whole.length - (bytes.length % 3 === 0 ? 0 : 1);
  const inner = whole.slice(first, last);
  if (inner.length < 8) return [];
  return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
