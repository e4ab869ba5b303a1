/** Hands events from those who make them to the one who takes them, in order. */
export class EventQueue<T> {
  readonly #items: T[] = [];
  #end: { readonly error: Error | undefined } | undefined;
  #taker: (() => void) | undefined;

  push(item: T): void {
    if (this.#end) return;
    this.#items.push(item);
    this.#taker?.();
  }

  /** No more events come; with an error, taking one fails once the rest is taken. */
  close(error?: Error): void {
    this.#end ??= { error };
    this.#taker?.();
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  /** The next event; undefined at the end. */
  async take(): Promise<T | undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) return item;
      if (this.#end?.error) throw this.#end.error;
      if (this.#end) return undefined;
      await new Promise<void>((resolve) => (this.#taker = resolve));
      this.#taker = undefined;
    }
  }
}
