/** The `fbp` package brings no types; these are of what we use of it. */
declare module 'fbp' {
  namespace fbp {
    interface ParsedEnd {
      readonly process: string;
      readonly port: string;
      readonly index?: number;
    }
    interface ParsedProcess {
      readonly component?: string;
      readonly metadata?: Readonly<Record<string, string | number>>;
    }
    interface ParsedFbp {
      readonly processes: Readonly<Record<string, ParsedProcess>>;
      readonly connections: readonly { readonly src?: ParsedEnd; readonly tgt: ParsedEnd; readonly data?: unknown }[];
      readonly inports: Readonly<Record<string, ParsedEnd>>;
      readonly outports: Readonly<Record<string, ParsedEnd>>;
      readonly properties?: Readonly<Record<string, unknown>>;
    }
    interface ParseOptions {
      readonly caseSensitive?: boolean;
      readonly validateContents?: boolean;
    }
    function parse(text: string, options?: ParseOptions): ParsedFbp;
  }
  export = fbp;
}
