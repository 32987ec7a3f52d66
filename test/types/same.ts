/** Compares types where they are written: a file that compiles has passed. */

/** Whether two types are the same, and not only assignable to each other. */
type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** `sameType<A, B>(true)` compiles where the two types are the same, `sameType<A, B>(false)` where they differ. */
export function sameType<A, B>(_isSame: IsSame<A, B>): void {}
