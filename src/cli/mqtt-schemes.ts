/** Addresses of brokers whose queues are topics. */
export const MQTT_SCHEMES: readonly string[] = ['mqtt:', 'mqtts:', 'ws:', 'wss:'];
