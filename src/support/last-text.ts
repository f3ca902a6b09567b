/**
 * A text within bytes that mostly is what it was the last time: names, types. Then no new string is made, and the one
 * that there is finds its place in an object at once.
 */
export class LastText {
  #text = '';
  #bytes: Buffer = Buffer.alloc(0);

  read(bytes: Buffer, from: number, length: number): string {
    const known = this.#bytes;
    let isSame = length === known.length;
    for (let at = 0; isSame && at < length; at += 1) isSame = bytes[from + at] === known[at];
    if (isSame) return this.#text;
    this.#bytes = Buffer.from(bytes.subarray(from, from + length));
    this.#text = this.#bytes.toString();
    return this.#text;
  }
}
