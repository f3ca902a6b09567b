import { survivesChaos } from './survives-chaos.js';

survivesChaos('log', 'the embedded broker, killed');
