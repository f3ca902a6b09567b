/**
 * Asks what may take long, and answers in time: when the answer is not there within `withinMs`, or there is none, with the one
 * before. However often it is asked, one question is under way.
 */
export function latestWithin<T>(
  ask: () => Promise<T>,
  { withinMs, before }: { readonly withinMs: number; readonly before: T },
): () => Promise<T> {
  let last = before;
  let asking: Promise<void> | undefined;
  return async () => {
    asking ??= ask()
      .then(
        (answer) => {
          last = answer;
        },
        () => undefined,
      )
      .finally(() => {
        asking = undefined;
      });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([asking, late]);
    clearTimeout(timer);
    return last;
  };
}
