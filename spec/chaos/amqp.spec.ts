import { survivesChaos } from './survives-chaos.js';

survivesChaos('amqp', 'RabbitMQ, killed with -9');
