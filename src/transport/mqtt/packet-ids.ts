/** Packet ids of one session, 1 to 65,535; one in use is not given again. Passed to mqtt.js, which asks it too. */
export class PacketIds {
  readonly #used = new Set<number>();
  #last = 0;

  /** @throws {RangeError} when all are in use. */
  allocate(): number {
    if (this.#used.size >= 65_535) throw new RangeError('all 65,535 packet ids are in use');
    do this.#last = this.#last === 65_535 ? 1 : this.#last + 1;
    while (this.#used.has(this.#last));
    this.#used.add(this.#last);
    return this.#last;
  }

  getLastAllocated(): number {
    return this.#last;
  }

  register(id: number): boolean {
    if (this.#used.has(id)) return false;
    this.#used.add(id);
    return true;
  }

  deallocate(id: number): void {
    this.#used.delete(id);
  }

  clear(): void {
    this.#used.clear();
  }
}
