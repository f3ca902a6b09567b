export interface UnconfirmedLimit {
  readonly messages: number;
  /** One larger message goes alone. */
  readonly bytes: number;
}

/**
 * Bounds what was sent and is not answered: all of it may wait at the broker for room in a full queue, and the broker
 * cuts off who has too much waiting there. Further sends wait here, in order of asking.
 */
export class Unconfirmed {
  readonly #limit: UnconfirmedLimit;
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = [];
  #messages = 0;
  #bytes = 0;

  constructor(limit: UnconfirmedLimit) {
    this.#limit = limit;
  }

  /** Settles as `work` does, which begins now or when it is its turn. */
  run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#hasRoom(bytes)) return this.#later(bytes, work);
    this.#add(bytes);
    return this.#begin(bytes, work);
  }

  async #later<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((go) => this.#waiting.push({ bytes, go }));
    return await this.#begin(bytes, work);
  }

  #begin<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    return work().then(
      (value) => {
        this.#end(bytes);
        return value;
      },
      (error: unknown) => {
        this.#end(bytes);
        throw error;
      },
    );
  }

  #end(bytes: number): void {
    this.#messages -= 1;
    this.#bytes -= bytes;
    this.#letIn();
  }

  #letIn(): void {
    for (let [first] = this.#waiting; first && this.#hasRoom(first.bytes); [first] = this.#waiting) {
      this.#waiting.shift();
      this.#add(first.bytes);
      first.go();
    }
  }

  #add(bytes: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
  }

  #hasRoom(bytes: number): boolean {
    const { messages, bytes: most } = this.#limit;
    return this.#messages === 0 || (this.#messages < messages && this.#bytes + bytes <= most);
  }
}
