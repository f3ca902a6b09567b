/**
 * Servers that specs share. Each launcher starts its server when the first spec asks for it, so that running one pure
 * spec starts nothing, and leaves here how to stop it; mocha calls the teardown after the last spec.
 */
const stops: (() => Promise<void>)[] = [];

/** Has `stop` called after the last spec, in reverse order of registration. */
export function stopAfterAllSpecs(stop: () => Promise<void>): void {
  stops.push(stop);
}

export async function mochaGlobalTeardown(): Promise<void> {
  for (const stop of stops.reverse()) await stop();
}
