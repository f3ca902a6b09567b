/** The participants, as their keeper names their places: two workers a stage. */
export const SLOTS = ['source.1', 'one.1', 'one.2', 'two.1', 'two.2', 'three.1', 'three.2', 'sink.1'] as const;
export type Slot = (typeof SLOTS)[number];
