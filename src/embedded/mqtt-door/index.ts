/**
 * The door of the embedded log for any language and device: MQTT 3.1.1 on top of an `Engine`. A topic is the queue of that
 * name; discovery and the other notices go through it both ways (docs/mqtt-door.md).
 *
 * `MqttDoor` listens and knows the sessions; an `MqttConnection` reads packets; its `Intake` carries in what is published
 * and tells when that is safe; its `Deliveries` take from the session's own queue no more than the client acknowledges;
 * `Subscriptions` say what comes to that queue. Sessions (`SessionBook`) and retained messages (`RetainedTopics`) are facts
 * of the engine (`Facts`), so that they outlive the node. Packets are read and written here (`readPacket`, `publish`, ...):
 * a broker acknowledges only what its engine has, which libraries leave no room for.
 */
export { MqttDoor, type MqttDoorCounters, type MqttDoorOptions } from './mqtt-door.js';
