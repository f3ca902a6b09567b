declare module 'fbp' {
  interface Options {
    readonly caseSensitive?: boolean;
    readonly validateContents?: boolean;
    readonly validateSchema?: boolean;
  }
  /** Untyped on purpose: what comes back is checked by the one file that calls it. */
  const fbp: {
    parse(text: string, options?: Options): unknown;
  };
  export = fbp;
}
