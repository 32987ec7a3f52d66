/** An asynchronous function whose file is loaded when it is first called. `load` is the dynamic import. */
export function whenCalled<Call extends (...given: never[]) => Promise<unknown>>(
  load: () => Promise<Call>,
): Call {
  const call = async (...given: Parameters<Call>) => (await load())(...given);
  return call as Call;
}
