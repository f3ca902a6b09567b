import { MsgfloError } from '../../errors.js';

/** A client broke the rules of MQTT, or went beyond what is allowed here: its connection ends, and no other. */
export class MqttClientError extends MsgfloError {
  readonly code = 'MSGFLO_MQTT_CLIENT';
}
