/** Named timers: setting one again replaces it. */
export class Timers {
  private readonly waiting = new Map<string, ReturnType<typeof setTimeout>>();

  later(name: string, seconds: number, act: () => void): void {
    this.cancel(name);
    const run = (): void => {
      this.waiting.delete(name);
      act();
    };
    this.waiting.set(name, setTimeout(run, seconds * 1000));
  }

  has(name: string): boolean {
    return this.waiting.has(name);
  }

  /** Without names: all of them. */
  cancel(...names: string[]): void {
    for (const name of names.length > 0 ? names : [...this.waiting.keys()]) {
      clearTimeout(this.waiting.get(name));
      this.waiting.delete(name);
    }
  }
}
