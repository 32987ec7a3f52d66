/** Writes the references that are read off the code: docs/errors.md, docs/cli-reference.md and docs/presets.md. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import type { Argument, Command, Option } from "commander";
import { exitCodeOf } from "../src/cli/output.ts";
import { buildProgram } from "../src/cli/program.ts";
import type { Sampling } from "../src/engine.ts";
import * as errors from "../src/errors.ts";
import { type Preset, presets } from "../src/presets/presets.ts";

const root = join(import.meta.dirname, "..");

/** The generated documents, path → text. */
export function documents(): Readonly<Record<string, string>> {
  return {
    "docs/errors.md": errorsPage(),
    "docs/cli-reference.md": cliPage(),
    "docs/presets.md": presetsPage(),
  };
}

const classes = {
  ConfigError: errors.ConfigError,
  DataError: errors.DataError,
  EngineError: errors.EngineError,
  StoreError: errors.StoreError,
};
type ClassName = keyof typeof classes;

/** One place that may throw a code: its folder below `src`, and the class where the code is written beside it. */
export interface Thrown {
  readonly code: string;
  readonly name: ClassName | null;
  readonly folder: string;
}

/** Every code that a source file throws by name, and every mention of a listed code elsewhere (tables, helpers). */
export function thrownCodes(): Thrown[] {
  const src = join(root, "src");
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && name !== "errors.ts",
  );
  return files.flatMap((file) => thrownIn(readFileSync(join(src, file), "utf8"), folderOf(file)));
}

function folderOf(file: string): string {
  const folder = dirname(file).split(sep).join("/");
  return folder === "." ? file.replace(/\.ts$/, "") : folder;
}

function thrownIn(text: string, folder: string): Thrown[] {
  const named = [...text.matchAll(/new (Config|Data|Engine|Store)Error\(\s*"([^"]+)"/g)].map(
    ([, kind, code]): Thrown => ({ code: code!, name: `${kind}Error` as ClassName, folder }),
  );
  // A code from a table: its class is that of the one error the file makes of a code it does not spell out.
  const [, computed] = /new (Config|Data|Engine|Store)Error\(\s*(?!")\w/.exec(text) ?? [];
  const name = computed === undefined ? null : (`${computed}Error` as ClassName);
  const mentioned = Object.keys(errors.errorCodes)
    .filter((code) => text.includes(`"${code}"`) && !named.some((thrown) => thrown.code === code))
    .map((code): Thrown => ({ code, name, folder }));
  return [...named, ...mentioned];
}

function errorsPage(): string {
  const thrown = thrownCodes();
  const rows = Object.entries(errors.errorCodes).map(([code, meaning]) => {
    const places = thrown.filter((place) => place.code === code && place.name !== null);
    const names = distinct(places.map(({ name }) => name!));
    const exits = distinct(names.map((name) => String(exitCodeOf(new classes[name](code, "")))));
    return [
      `\`${code}\``,
      meaning,
      names.join(", "),
      exits.join(", "),
      distinct(places.map(({ folder }) => `\`${folder}\``)).join(", "),
    ];
  });
  return `${generated}# Errors

Every error that TaskMem throws on purpose is a \`TaskMemError\` with a \`code\`. \`errorCodes\` is this list in code, and
\`isTaskMemError(error, "budget-spent")\` tells one from another. \`EngineError\` also says whether the same call may work later
(\`isRetryable\`) and which HTTP status came (\`status\`). A call that no caller should make is a \`TypeError\` or a \`RangeError\`.

The command line exits with 0 when it is done, 1 for an error of its own, 130 after Ctrl-C, and otherwise with the number below;
with \`--json\` it also prints \`{"event":"error","error":…,"code":…,"message":…}\`.

${table(["Code", "Means", "Class", "Exit", "From"], rows)}
`;
}

function cliPage(): string {
  const leaves = leavesOf(buildProgram({ signal: new AbortController().signal }));
  const ordinary = leaves.filter(({ name }) => !name.startsWith("taskmem bench"));
  const shared = (ordinary[0]?.command.options ?? []).filter(({ flags }) =>
    ordinary.every(({ command }) => command.options.some((option) => option.flags === flags)),
  );
  const sharedFlags = new Set(shared.map(({ flags }) => flags));
  const sections = leaves.map(({ name, command }) => {
    const listed = ordinary.some((each) => each.command === command) ? sharedFlags : new Set<string>();
    const own = command.options.filter(({ flags, hidden }) => !listed.has(flags) && !hidden);
    return [
      `## \`${[name, ...command.registeredArguments.map(argumentUsage)].join(" ")}\``,
      sentence(command.description()),
      ...argumentsTable(command.registeredArguments),
      ...optionsTable(own),
    ].join("\n\n");
  });
  return `${generated}# Command line: every command and flag

[cli.md](cli.md) says how they are used, what \`--json\` prints and what the exit codes mean.

Every command but those of \`bench\`, which list their own, takes:

${optionsTable(shared).join("")}

${sections.join("\n\n")}
`;
}

function presetsPage(): string {
  const rows = Object.entries<Preset>(presets).map(([name, preset]) => {
    const { models, thinks, thinking, sampling, picture, frames, video, source } = preset;
    const { on, off } = thinking;
    const told = [
      `${thinks ? "on" : "off"} by itself`,
      ...(on && Object.keys(on).length > 0 ? [`on: \`${JSON.stringify(on)}\``] : []),
      ...(off && Object.keys(off).length > 0 ? [`off: \`${JSON.stringify(off)}\``] : []),
      ...(on === null ? ["never on"] : []),
      ...(off === null ? ["never off"] : []),
    ];
    const drawn = [
      ...(sampling.on ? [`thinking: ${samplingText(sampling.on)}`] : []),
      ...(sampling.off ? [`${sampling.on ? "not thinking: " : ""}${samplingText(sampling.off)}`] : []),
    ];
    return [
      `\`${name}\``,
      models === null ? "only by its own name" : `\`${models.source}\``,
      told.join("; "),
      drawn.join("; ") || "ours",
      picture === null
        ? "sees none"
        : "each" in picture
          ? String(picture.each)
          : `${picture.side} × ${picture.side} pixels`,
      frames === null ? "any" : `${frames.width} × ${frames.height}, multiples of ${frames.multiple}`,
      video ? "yes" : "no",
      source,
    ];
  });
  const head = ["Preset", "Names", "Thinking", "Sampling", "Tokens of a picture", "Frames", "Video", "From"];
  return `${generated}# Presets

What is known about each family of models; [models.md](models.md) says how presets are chosen and overridden. Names are patterns over the
model's name in lower case, with hyphens for underscores; the first that fits counts. A picture takes the given number of tokens, or one
for every square of pixels.

${table(head, rows)}
`;
}

function samplingText(sampling: Sampling): string {
  return Object.entries(sampling)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

/** The commands that do something, with their full names. */
function leavesOf(command: Command, path: readonly string[] = []): { name: string; command: Command }[] {
  const name = [...path, command.name()];
  const own = command.commands.length === 0 ? [{ name: name.join(" "), command }] : [];
  return [...own, ...command.commands.flatMap((child) => leavesOf(child, name))];
}

function argumentUsage(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function argumentsTable(args: readonly Argument[]): string[] {
  const described = args.filter(({ description }) => description !== "");
  if (described.length === 0) return [];
  return [
    table(
      ["Argument", "Means"],
      described.map((argument) => [`\`${argument.name()}\``, argument.description]),
    ),
  ];
}

function optionsTable(options: readonly Option[]): string[] {
  if (options.length === 0) return [];
  const rows = options.map(({ flags, description, defaultValue, argChoices }) => {
    const values = argChoices ? `: ${argChoices.join(", ")}` : "";
    const isSet = defaultValue !== undefined && !flags.startsWith("--no-");
    const preset = isSet ? ` (default: ${JSON.stringify(defaultValue)})` : "";
    return [`\`${flags}\``, `${description}${values}${preset}`];
  });
  return [table(["Flag", "Means"], rows)];
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${[line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n")}`;
}

function distinct<Text extends string>(values: readonly Text[]): Text[] {
  return [...new Set(values)].sort();
}

const generated = "<!-- Written by `node scripts/docs.ts`; change the code instead. -->\n\n";

if (import.meta.main) {
  for (const [path, text] of Object.entries(documents())) {
    writeFileSync(join(root, path), text);
    console.log(relative(process.cwd(), join(root, path)));
  }
}
