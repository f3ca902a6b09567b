import { join } from 'node:path';

/**
 * What one run of a chain is to do. Source and sink are told by the environment, ours and the bare ones alike.
 * @typedef {object} Plan
 * @property {string} run tells messages of this run from those of earlier ones
 * @property {string} folder where source and sink leave files for each other and for the bench
 * @property {number} warmUp messages before those that are measured
 * @property {number} count messages that are measured
 * @property {number} [perSecond] how fast they are sent; without, as fast as they are confirmed
 */

const VARIABLE = 'MSGFLO_BENCH_PLAN';

/** @param {Plan} plan @returns {Record<string, string>} */
export function planAsEnv(plan) {
  return { [VARIABLE]: JSON.stringify(plan) };
}

/** @returns {Plan} */
export function planFromEnv() {
  const text = process.env[VARIABLE];
  if (text === undefined) throw new Error(`${VARIABLE} is not set: this runs as part of a bench`);
  return JSON.parse(text);
}

/** There once the sink has had all of the warm-up. @param {Plan} plan */
export const warmFile = ({ folder }) => join(folder, 'warm');

/** There once the sink has had everything: a Result as JSON. @param {Plan} plan */
export const resultFile = ({ folder }) => join(folder, 'result.json');
