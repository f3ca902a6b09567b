import { survivesChaos } from './survives-chaos.js';

survivesChaos('mqtt', 'Mosquitto, stopped with SIGTERM');
