/**
 * MQTT as a transport: queues are topics, at QoS 1, on protocol 5 or 3.1.1. The instances of a role share an inqueue by
 * `$share`; one that has a slot finds what the last holder of the slot left. An MQTT broker forwards nothing from topic
 * to topic: consumers of ours subscribe to their sources (`listenTo`), and for all others the `Router` carries out the
 * routes that `bind()` leaves at the broker.
 *
 * Inside: a `Session` is one stream and all that is known of mqtt.js; a `Link` makes one session after another; the
 * `Outlet` publishes and looks on, the `Intake` takes deliveries; `Inqueues` hands them to consumers.
 */
import type { TransportFactory } from '../index.js';
import { MqttBroker } from './broker.js';

export { Router, type RouterOptions } from './router.js';

/** For mqtt:, mqtts:, ws: and wss:, with user and password in the address. */
export const openMqtt: TransportFactory = async (address, options, log) => new MqttBroker(address, options, log);
