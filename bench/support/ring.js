/**
 * Many participants in a ring, all played by one connection, with queues as older libraries declare them.
 */
export class Ring {
  /** @param {number} size @param {import('amqplib').ConfirmChannel} channel */
  constructor(size, channel) {
    this.channel = channel;
    this.roles = Array.from({ length: size }, (_, n) => `p${n}`);
    /** Whose outqueue leads nowhere as far as we know. */
    this.loose = new Set(this.roles);
    channel.on('return', ({ fields }) => this.loose.add(fields.exchange.replace(/\.OUT$/, '')));
  }

  async declare() {
    const { channel } = this;
    await channel.assertQueue('fbp');
    for (const role of this.roles) {
      await channel.assertQueue(`${role}.IN`, { deadLetterExchange: `dead-${role}.IN` });
      await channel.assertExchange(`${role}.OUT`, 'fanout');
    }
  }

  graphText() {
    const { roles } = this;
    const edges = roles.map((role, n) => `${role}(Foreign) OUT -> IN ${roles[(n + 1) % roles.length]}(Foreign)`);
    return `${edges.join('\n')}\n`;
  }

  /** Into the queue where older libraries announce. Resolves when the broker has the last one. */
  async announce() {
    for (const role of this.roles) {
      const inports = [{ id: 'in', queue: `${role}.IN` }];
      const outports = [{ id: 'out', queue: `${role}.OUT` }];
      const payload = { id: `${role}-1`, role, component: 'Foreign', inports, outports };
      const message = { protocol: 'discovery', command: 'participant', payload };
      this.channel.sendToQueue('fbp', Buffer.from(JSON.stringify(message)));
    }
    await this.channel.waitForConfirms();
  }

  /** How many edges the broker has not: a mandatory message comes back where nothing is bound. */
  async unbound() {
    const asked = [...this.loose];
    this.loose.clear();
    for (const role of asked) this.channel.publish(`${role}.OUT`, '', Buffer.from('1'), { mandatory: true });
    await this.channel.waitForConfirms();
    return this.loose.size;
  }
}
