/** What the built declarations show of each entry: its names, those without a doc sentence, and types that cannot be named. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isIdentifier, type Node, type SourceFile } from "typescript/unstable/ast";
import { API, type Checker, type Project, type Symbol as TypeSymbol } from "typescript/unstable/sync";
import { ensureBuilt, root } from "./built.ts";
import { temporaryFolder } from "./cli.ts";
import { packageJson } from "./consumer.ts";

/** One entry of the package. */
export interface Entry {
  /** As it is imported: `taskmem/training`. */
  readonly name: string;
  /** Every exported name. */
  readonly names: readonly string[];
  /** Exported names without a doc comment, as `name (file)`. */
  readonly undocumented: readonly string[];
  /** Types in the declarations of its names that can be imported from nowhere sensible, as `name (file)`. */
  readonly hidden: readonly string[];
}

const dist = `${root.replaceAll("\\", "/")}/dist/`;

/** Flags of a symbol, as TypeScript numbers them. */
const flag = {
  variable: 2,
  function: 16,
  class: 32,
  interface: 64,
  enum: 384,
  typeAlias: 524_288,
  alias: 2_097_152,
};
const typeFlags = flag.class | flag.interface | flag.enum | flag.typeAlias;
const valueFlags = flag.function | flag.variable;

/** Reads the declarations of every entry. */
export function readEntries(): Entry[] {
  ensureBuilt();
  const files = Object.entries(packageJson().exports).flatMap(([path, target]) =>
    path === "./package.json"
      ? []
      : [{ name: `taskmem${path.slice(1)}`, file: join(root, (target as { types: string }).types) }],
  );
  const config = join(temporaryFolder(), "tsconfig.json");
  const compilerOptions = { module: "nodenext", target: "es2024", strict: true, noEmit: true, types: [] };
  writeFileSync(config, JSON.stringify({ compilerOptions, files: files.map(({ file }) => file) }));
  const api = new API({ cwd: root });
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProjects()[0]!;
    const exported = files.map(({ file }) => exportsOf(project, file));
    const owners = new Map(files.map(({ name }, i) => [name, new Set(exported[i]!.map(({ id }) => id))]));
    // jax-js exports the array that nano's declarations call by another name.
    const isForeign = (symbol: TypeSymbol) => titleOf(symbol) === "Array (engines/nano/jax)";
    /** Whether a type is exported by the entry that shows it, by `taskmem`, or by the entry of its own folder. */
    const isVisible = (symbol: TypeSymbol, entry: string) =>
      isForeign(symbol) ||
      [entry, "taskmem", `taskmem/${folderOf(symbol)}`].some((name) => owners.get(name)?.has(symbol.id));
    return files.map(({ name }, i) => {
      const symbols = exported[i]!;
      return {
        name,
        names: symbols.map((symbol) => symbol.name),
        undocumented: symbols
          .filter((symbol) => !isDocumented(project.checker, symbol))
          .map(titleOf)
          .sort(),
        hidden: reachedFrom(project, symbols)
          .filter((symbol) => (symbol.flags & typeFlags) !== 0 && !isVisible(symbol, name))
          .map(titleOf)
          .sort(),
      };
    });
  } finally {
    api.close();
  }
}

function exportsOf({ program, checker }: Project, file: string): TypeSymbol[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file) as SourceFile);
  return checker.getExportsOfModule(module!).map((symbol) => targetOf(checker, symbol));
}

function targetOf(checker: Checker, symbol: TypeSymbol): TypeSymbol {
  return (symbol.flags & flag.alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
}

/** The symbols of this package that the declarations of some name, and those that these name, and so on. */
function reachedFrom(project: Project, symbols: readonly TypeSymbol[]): TypeSymbol[] {
  const reached = new Map(symbols.map((symbol) => [symbol.id, symbol]));
  for (const symbol of reached.values()) {
    for (const next of namedIn(project, symbol)) if (!reached.has(next.id)) reached.set(next.id, next);
  }
  return [...reached.values()];
}

/** Types and values of this package that a symbol's own declarations name. */
function namedIn(project: Project, symbol: TypeSymbol): TypeSymbol[] {
  const nodes = symbol.declarations.flatMap((declaration) => identifiersIn(declaration.resolve(project)));
  return project.checker
    .getSymbolAtLocation(nodes)
    .filter((found) => found !== undefined)
    .map((found) => targetOf(project.checker, found))
    .filter(({ flags }) => (flags & (typeFlags | valueFlags)) !== 0)
    .filter(({ declarations }) => declarations.some(({ path }) => path.startsWith(dist)));
}

function identifiersIn(node: Node | undefined): Node[] {
  if (node === undefined) return [];
  const found: Node[] = isIdentifier(node) ? [node] : [];
  node.forEachChild((child) => {
    found.push(...identifiersIn(child));
  });
  return found;
}

function isDocumented(checker: Checker, symbol: TypeSymbol): boolean {
  return checker.getDocumentationCommentOfSymbol(symbol).trim() !== "";
}

/** `name (file)`, the file below `src` and without its ending. */
function titleOf(symbol: TypeSymbol): string {
  return `${symbol.name} (${fileOf(symbol)})`;
}

function fileOf({ declarations }: TypeSymbol): string {
  return declarations[0]!.path.replace(dist, "").replace(/\.d\.ts$/, "");
}

/** The folder a symbol is declared in, as an entry would be named for it. */
function folderOf(symbol: TypeSymbol): string {
  return fileOf(symbol).split("/").slice(0, -1).join("/");
}

/** What there is to do in some entries, a line each. */
export function missingOf(entries: readonly Entry[]): string[] {
  const lines = entries.flatMap(({ name, undocumented, hidden }) => [
    ...undocumented.map((title) => `document ${title}`),
    ...hidden.map((title) => `export ${title} for ${name}`),
  ]);
  return [...new Set(lines)].sort();
}
