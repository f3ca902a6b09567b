/** The user that the MQTT door asks for; the password is the token of the node. */
export const MQTT_USER = 'msgflo';
