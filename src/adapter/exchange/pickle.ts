/**
 * Python's pickle, as far as `torch.save` uses it for a dictionary of numbers, texts and tensors. Nothing is executed:
 * names of functions and classes are read as names, and a call is data.
 */

/** A name of a module: a function or a class. */
export interface PickledName {
  readonly global: string;
}

/** A call of such a name. */
export interface PickledCall {
  readonly call: string;
  readonly args: readonly Pickled[];
}

/** A reference to something kept outside the pickle. */
export interface PickledReference {
  readonly reference: Pickled;
}

/** What a pickle may hold here. */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | readonly Pickled[]
  | Map<Pickled, Pickled>
  | PickledName
  | PickledCall
  | PickledReference;

const mark = Symbol("mark");

/** Reads a pickle. @throws Error for an opcode that `torch.save` does not need here */
export function readPickle(bytes: Buffer): Pickled {
  const stack: (Pickled | typeof mark)[] = [];
  const memo = new Map<number, Pickled>();
  let at = 0;
  const take = (length: number) => {
    if (at + length > bytes.length) throw new Error("the pickle is cut");
    at += length;
    return bytes.subarray(at - length, at);
  };
  const line = () => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw new Error("the pickle is cut");
    const text = bytes.toString("utf8", at, end);
    at = end + 1;
    return text;
  };
  const pop = (): Pickled => {
    const top = stack.pop();
    if (top === undefined || top === mark) throw new Error("the pickle's stack is empty");
    return top;
  };
  const popMark = (): Pickled[] => {
    const from = stack.lastIndexOf(mark);
    if (from < 0) throw new Error("the pickle's stack has no mark");
    return stack.splice(from).slice(1) as Pickled[];
  };
  const peek = (): Pickled => {
    const top = pop();
    stack.push(top);
    return top;
  };
  const several = (count: number) => Array.from({ length: count }, pop).reverse();
  const put = (target: Pickled, pairs: readonly Pickled[]) => {
    if (!(target instanceof Map)) throw new Error("the pickle sets an item of what is no dictionary");
    for (let i = 0; i + 1 < pairs.length; i += 2) target.set(pairs[i]!, pairs[i + 1]!);
  };
  const remembered = (key: number): Pickled => {
    const found = memo.get(key);
    if (found === undefined) throw new Error("the pickle refers to what it does not hold");
    return found;
  };
  for (;;) {
    const opcode = String.fromCharCode(take(1)[0]!);
    switch (opcode) {
      case "\x80": // protocol
        take(1);
        break;
      case "}":
        stack.push(new Map());
        break;
      case ")":
        stack.push([]);
        break;
      case "(":
        stack.push(mark);
        break;
      case "t":
        stack.push(popMark());
        break;
      case "\x85":
      case "\x86":
      case "\x87":
        stack.push(several(opcode.charCodeAt(0) - 0x84));
        break;
      case "u": {
        const pairs = popMark();
        put(peek(), pairs);
        break;
      }
      case "s": {
        const pair = several(2);
        put(peek(), pair);
        break;
      }
      case "X":
        stack.push(take(take(4).readUInt32LE()).toString("utf8"));
        break;
      case "J":
        stack.push(take(4).readInt32LE());
        break;
      case "K":
        stack.push(take(1)[0]!);
        break;
      case "M":
        stack.push(take(2).readUInt16LE());
        break;
      case "\x8a": // a whole number of so many bytes
        stack.push(Number(wholeNumber(take(take(1)[0]!))));
        break;
      case "G":
        stack.push(take(8).readDoubleBE());
        break;
      case "N":
        stack.push(null);
        break;
      case "\x88":
      case "\x89":
        stack.push(opcode === "\x88");
        break;
      case "c":
        stack.push({ global: `${line()}.${line()}` });
        break;
      case "Q":
        stack.push({ reference: pop() });
        break;
      case "R": {
        const [name, args] = several(2);
        if (!name || typeof name !== "object" || !("global" in name) || !Array.isArray(args))
          throw new Error("the pickle calls what has no name");
        stack.push({ call: name.global, args });
        break;
      }
      case "q":
        memo.set(take(1)[0]!, peek());
        break;
      case "r":
        memo.set(take(4).readUInt32LE(), peek());
        break;
      case "h":
        stack.push(remembered(take(1)[0]!));
        break;
      case "j":
        stack.push(remembered(take(4).readUInt32LE()));
        break;
      case ".":
        return pop();
      default:
        throw new Error(`the pickle has an opcode 0x${opcode.charCodeAt(0).toString(16)}`);
    }
  }
}

/** A little-endian whole number in two's complement. */
function wholeNumber(bytes: Buffer): bigint {
  let value = 0n;
  for (const [i, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * i);
  return BigInt.asIntN(8 * bytes.length, value);
}

/** Bytes of a pickle. Dictionaries keep their order. */
export function writePickle(value: Pickled): Buffer {
  const parts: Buffer[] = [];
  const raw = (...bytes: (number | string)[]) =>
    parts.push(
      ...bytes.map((each) => (typeof each === "string" ? Buffer.from(each, "latin1") : Buffer.of(each))),
    );
  const int = (number: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(number);
    parts.push(Buffer.from("J"), bytes);
  };
  const write = (each: Pickled): void => {
    if (each === null) raw("N");
    else if (typeof each === "boolean") raw(each ? 0x88 : 0x89);
    else if (typeof each === "number") int(each);
    else if (typeof each === "string") {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(each));
      parts.push(Buffer.from("X"), length, Buffer.from(each));
    } else if (each instanceof Map) {
      raw("}", "(");
      for (const [key, item] of each) {
        write(key);
        write(item);
      }
      raw("u");
    } else if (Array.isArray(each)) {
      raw("(");
      for (const item of each as readonly Pickled[]) write(item);
      raw("t");
    } else if ("global" in each) name(each.global);
    else if ("call" in each) {
      name(each.call);
      write(each.args);
      raw("R");
    } else if ("reference" in each) {
      write(each.reference);
      raw("Q");
    }
  };
  const name = (global: string) => {
    const dot = global.lastIndexOf(".");
    raw("c", `${global.slice(0, dot)}\n${global.slice(dot + 1)}\n`);
  };
  raw(0x80, 2);
  write(value);
  raw(".");
  return Buffer.concat(parts);
}
