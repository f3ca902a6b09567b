/** What clients send, decoded; MQTT 3.1.1, chapter 3. */
export interface ConnectPacket {
  readonly cmd: 'connect';
  /** Protocol level: 4 is 3.1.1. Of any other there is nothing else in here. */
  readonly level: number;
  readonly clean: boolean;
  readonly keepaliveSeconds: number;
  readonly clientId: string;
  readonly will?: Publication;
  readonly username?: string;
  readonly password?: Buffer;
}

/** A message for a topic. */
export interface Publication {
  readonly topic: string;
  /** A view: copy what is kept. */
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
}

export interface PublishPacket extends Publication {
  readonly cmd: 'publish';
  /** 0 at QoS 0. */
  readonly id: number;
}

/** What is only an id, and tells what became of the packet of that id. */
export interface AckPacket {
  readonly cmd: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  readonly id: number;
}

export interface Wish {
  readonly filter: string;
  readonly qos: number;
}

export interface SubscribePacket {
  readonly cmd: 'subscribe';
  readonly id: number;
  readonly wishes: readonly Wish[];
}

export interface UnsubscribePacket {
  readonly cmd: 'unsubscribe';
  readonly id: number;
  readonly filters: readonly string[];
}

export interface BarePacket {
  readonly cmd: 'pingreq' | 'disconnect';
}

export type ClientPacket = ConnectPacket | PublishPacket | AckPacket | SubscribePacket | UnsubscribePacket | BarePacket;
