/** The FBP packages bring no types; these are of what the specs use of them. */
declare module 'fbp-client/lib/validate.js' {
  /** Makes a function that rejects with what is wrong with a message by the schema of that path. */
  function validator(): (schema: string, message: object) => Promise<unknown>;
  export = validator;
}

declare module 'fbp-client/lib/permissions.js' {
  /** Whether a client with these capabilities takes the message for one that it may be sent. */
  export function canReceive(protocol: string, command: string, capabilities: readonly string[]): boolean;
}

declare module 'fbp-client' {
  namespace connect {
    type Send = (payload?: object) => Promise<Readonly<Record<string, unknown>>>;
    interface Client {
      readonly definition: { readonly graph?: string; readonly capabilities?: readonly string[] };
      readonly protocol: Readonly<
        Record<'runtime' | 'graph' | 'network' | 'component', Readonly<Record<string, Send>>>
      >;
      connect(): Promise<unknown>;
      disconnect(): Promise<unknown>;
      on(event: 'protocolError', listener: (error: Error) => void): void;
      on(event: 'signal', listener: (message: { readonly protocol: string; readonly command: string }) => void): void;
    }
  }
  function connect(
    definition: { readonly address: string; readonly protocol?: string; readonly secret?: string },
    options?: {
      readonly skipValidation?: boolean;
      readonly commandTimeout?: number;
      readonly connectionTimeout?: number;
    },
  ): Promise<connect.Client>;
  export = connect;
}
