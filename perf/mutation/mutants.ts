/**
 * The mutants of source files: small wrong changes, each of which a test should notice.
 *
 * All mutants of a file stand in one text beside the original, and `__mutant(id)` says at run time which one is active, so
 * that a process that has loaded the file once can try them all (as StrykerJS does). The tree is TypeScript's own. Types,
 * imports, texts and what an error says are left as they are.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SyntaxKind as Kind, type Node, type SourceFile } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";

/** One wrong change. */
export interface Mutant {
  /** The same while its line and the change stay as they are, wherever the line moves to. */
  readonly key: string;
  /** Number in one run, which `__mutant` is asked with. */
  readonly id: number;
  readonly file: string;
  readonly operator: string;
  /** From 1 up. */
  readonly line: number;
  readonly lineText: string;
  /** What becomes what. */
  readonly change: string;
  /** How many the same stand before it in lines with the same text. */
  readonly nth: number;
}

/** A file that holds all its mutants, as JavaScript. */
export interface MutantFile {
  readonly mutants: readonly Mutant[];
  readonly source: string;
  /** Of the file's own text. */
  readonly hash: string;
}

interface Change {
  readonly operator: string;
  readonly text: string;
}

export const hashOf = (...texts: readonly string[]): string =>
  createHash("sha256").update(texts.join("\0")).digest("hex").slice(0, 12);

/** Every mutant of some files. @param root folder that paths are relative to */
export function mutantsOf(root: string, files: readonly string[]): Map<string, MutantFile> {
  const folder = mkdtempSync(join(tmpdir(), "mutants-"));
  const config = join(folder, "tsconfig.json");
  const compilerOptions = { noResolve: true, noLib: true, types: [], noEmit: true, module: "nodenext" };
  writeFileSync(config, JSON.stringify({ compilerOptions, files: files.map((file) => join(root, file)) }));
  const api = new API({});
  try {
    const { program } = api.updateSnapshot({ openProjects: [config] }).getProjects()[0]!;
    let id = 0;
    const found = files.map((file): [string, MutantFile] => {
      const made = mutate(file, program.getSourceFile(join(root, file))!, id);
      id += made.mutants.length;
      return [file, { ...made, hash: hashOf(readFileSync(join(root, file), "utf8")) }];
    });
    return new Map(found);
  } finally {
    api.close();
    rmSync(folder, { recursive: true });
  }
}

function mutate(file: string, tree: SourceFile, firstId: number): Omit<MutantFile, "hash"> {
  const { text } = tree;
  const lines = text.split("\n");
  const mutants: Mutant[] = [];
  const occurrences = new Map<string, number>();

  const add = (node: Node, { operator, text: to }: Change): number => {
    const start = node.getStart(tree);
    const line = text.slice(0, start).split("\n").length;
    const lineText = lines[line - 1]!.trim();
    const change = `${shown(text.slice(start, node.end))} → ${shown(to)}`;
    const name = `${file}\0${operator}\0${lineText}\0${change}`;
    const nth = occurrences.get(name) ?? 0;
    occurrences.set(name, nth + 1);
    const id = firstId + mutants.length;
    mutants.push({ key: hashOf(name, `${nth}`), id, file, operator, line, lineText, change, nth });
    return id;
  };

  const emit = (node: Node, parent: Node | null): string => {
    const start = node.getStart(tree);
    if (isLeftAlone(node)) return text.slice(start, node.end);
    const wrong = changesOf(node, parent, tree).map((change) => ({ id: add(node, change), ...change }));
    let own = "";
    let at = start;
    node.forEachChild((child) => {
      own += text.slice(at, child.getStart(tree)) + emit(child, node);
      at = child.end;
      return undefined;
    });
    own += text.slice(at, node.end);
    for (const { id, operator, text: to } of wrong) {
      if (operator === "removed call") own = `{if(!__mutant(${id})){${own}}}`;
      else if (operator === "early return") own = `{if(__mutant(${id}))return;${own.slice(1)}`;
      else own = `(__mutant(${id})?(${to}):(${own}))`;
    }
    return own;
  };

  let source = "";
  let at = 0;
  tree.forEachChild((child) => {
    source += text.slice(at, child.getStart(tree)) + emit(child, null);
    at = child.end;
    return undefined;
  });
  return { mutants, source: stripTypeScriptTypes(source + text.slice(at)) };
}

const shown = (text: string) => text.replace(/\s+/g, " ").replace(/^(.{60}).+(.{20})$/, "$1 … $2");

/** Kinds below which nothing runs, and what an error says. */
function isLeftAlone(node: Node): boolean {
  if (node.kind >= Kind.FirstTypeNode && node.kind <= Kind.LastTypeNode) return true;
  if (node.kind === Kind.NewExpression) return /Error$/.test(part(node, "expression").getText());
  return leftAlone.has(node.kind);
}

const leftAlone = new Set<Kind>([
  Kind.InterfaceDeclaration,
  Kind.TypeAliasDeclaration,
  Kind.ImportDeclaration,
  Kind.ExportDeclaration,
  Kind.HeritageClause,
  Kind.TypeParameter,
]);

const part = (node: Node, name: string) => (node as unknown as Record<string, Node>)[name]!;

const opposite: Readonly<Record<string, readonly [operator: string, to: string][]>> = {
  "+": [["arithmetic", "-"]],
  "-": [["arithmetic", "+"]],
  "*": [["arithmetic", "/"]],
  "/": [["arithmetic", "*"]],
  "%": [["arithmetic", "*"]],
  "**": [["arithmetic", "*"]],
  "+=": [["arithmetic", "-="]],
  "-=": [["arithmetic", "+="]],
  "*=": [["arithmetic", "/="]],
  "/=": [["arithmetic", "*="]],
  "<": [
    ["comparison", ">="],
    ["boundary", "<="],
  ],
  "<=": [
    ["comparison", ">"],
    ["boundary", "<"],
  ],
  ">": [
    ["comparison", "<="],
    ["boundary", ">="],
  ],
  ">=": [
    ["comparison", "<"],
    ["boundary", ">"],
  ],
  "===": [["comparison", "!=="]],
  "!==": [["comparison", "==="]],
  "&&": [["boolean", "||"]],
  "||": [["boolean", "&&"]],
};

/** Methods that give way to another, or (`null`) whose call leaves what it is called on as it is. */
const otherMethod: Readonly<Record<string, string | null>> = {
  min: "max",
  max: "min",
  floor: "ceil",
  ceil: "floor",
  some: "every",
  every: "some",
  startsWith: "endsWith",
  endsWith: "startsWith",
  ...{ filter: null, slice: null, sort: null, toSorted: null, reverse: null, toReversed: null, trim: null },
};

function changesOf(node: Node, parent: Node | null, tree: SourceFile): Change[] {
  const textOf = (name: string) => part(node, name).getText(tree);
  switch (node.kind) {
    case Kind.BinaryExpression: {
      const [left, operator, right] = [textOf("left"), textOf("operatorToken"), textOf("right")];
      if (operator === "??") return [{ operator: "boolean", text: left }];
      if (operator === "instanceof" || operator === "in")
        return [{ operator: "comparison", text: `!(${node.getText(tree)})` }];
      const ofText = /^\+=?$/.test(operator) && [left, right].some((side) => /^["'`]|["'`]$/.test(side));
      if (ofText) return [];
      return (opposite[operator] ?? []).map(([name, to]) => ({
        operator: name,
        text: `${left} ${to} ${right}`,
      }));
    }
    case Kind.PrefixUnaryExpression: {
      const [all, operand] = [node.getText(tree), textOf("operand")];
      if (all.startsWith("!")) return [{ operator: "boolean", text: operand }];
      if (all.startsWith("++")) return [{ operator: "arithmetic", text: `--${operand}` }];
      if (all.startsWith("--")) return [{ operator: "arithmetic", text: `++${operand}` }];
      return all.startsWith("-") ? [{ operator: "arithmetic", text: operand }] : [];
    }
    case Kind.PostfixUnaryExpression: {
      const to = node.getText(tree).endsWith("++") ? "--" : "++";
      return [{ operator: "arithmetic", text: `${textOf("operand")}${to}` }];
    }
    case Kind.TrueKeyword:
      return [{ operator: "boolean", text: "false" }];
    case Kind.FalseKeyword:
      return [{ operator: "boolean", text: "true" }];
    case Kind.NumericLiteral: {
      const isName = parent?.kind === Kind.PropertyAssignment && part(parent, "name") === node;
      return isName
        ? []
        : [{ operator: "constant", text: `${Number(node.getText(tree).replaceAll("_", "")) + 1}` }];
    }
    case Kind.ConditionalExpression: {
      if (isNegatedElsewhere(part(node, "condition"), tree)) return [];
      const text = `${textOf("condition")} ? ${textOf("whenFalse")} : ${textOf("whenTrue")}`;
      return [{ operator: "boolean", text }];
    }
    case Kind.CallExpression:
      return otherCall(node, tree);
    case Kind.ExpressionStatement: {
      const expression = part(node, "expression");
      const call = expression.kind === Kind.AwaitExpression ? part(expression, "expression") : expression;
      const isCall = call.kind === Kind.CallExpression && !call.getText(tree).startsWith("super(");
      return isCall ? [{ operator: "removed call", text: "" }] : [];
    }
    case Kind.Block:
      return parent && returning.has(parent.kind) ? [{ operator: "early return", text: "return" }] : [];
    default:
      if (parent?.kind === Kind.IfStatement && part(parent, "expression") === node)
        return [{ operator: "boolean", text: "false" }];
      return [];
  }
}

const returning = new Set<Kind>([
  Kind.FunctionDeclaration,
  Kind.FunctionExpression,
  Kind.ArrowFunction,
  Kind.MethodDeclaration,
]);

/** Whether a condition has a mutant of its own that is its negation. */
function isNegatedElsewhere(condition: Node, tree: SourceFile): boolean {
  if (condition.kind === Kind.PrefixUnaryExpression) return true;
  if (condition.kind !== Kind.BinaryExpression) return false;
  return (opposite[part(condition, "operatorToken").getText(tree)] ?? []).some(
    ([name]) => name === "comparison",
  );
}

function otherCall(node: Node, tree: SourceFile): Change[] {
  const callee = part(node, "expression");
  if (callee.kind !== Kind.PropertyAccessExpression) return [];
  const name = part(callee, "name").getText(tree);
  if (!Object.hasOwn(otherMethod, name) || callee.getText(tree).includes("?.")) return [];
  const receiver = part(callee, "expression").getText(tree);
  const to = otherMethod[name]!;
  const rest = node.getText(tree).slice(callee.getText(tree).length);
  return [{ operator: "other call", text: to === null ? receiver : `${receiver}.${to}${rest}` }];
}
