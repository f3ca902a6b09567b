import { createHook } from 'node:async_hooks';

/**
 * The timers that somebody else's code starts between making this and `end()`. Old participants announce themselves by
 * an interval that nobody can clear, which would keep the process up after they were stopped.
 */
export class StartedTimers {
  readonly #timers: object[] = [];
  readonly #hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'Timeout') this.#timers.push(resource);
    },
  }).enable();

  /** No further timers are noted. */
  end(): void {
    this.#hook.disable();
  }

  /** Lets the process end although these are still running. */
  unref(): void {
    for (const timer of this.#timers.splice(0)) {
      if ('unref' in timer && typeof timer.unref === 'function') timer.unref();
    }
  }
}
