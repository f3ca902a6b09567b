import { register } from 'tsx/esm/api';

/**
 * The private servers that specs start; their launchers are TypeScript, which is why tsx is loaded here. What is started
 * as a process of its own never goes through it.
 * @typedef {{ readonly url: string, stop(): Promise<void> }} Server
 */

/**
 * RabbitMQ as it comes, on all processors, where a spec has it on one.
 * @returns {Promise<Server>}
 */
export async function startRabbit() {
  const { startRabbit: start } = await withTypeScript(() => import('../../spec/support/rabbitmq.js'));
  return start({ schedulers: 'all' });
}

/**
 * Mosquitto as it comes, without the writing to disk at every change that specs of its restart need.
 * @returns {Promise<Server>}
 */
export async function startMosquitto() {
  const { startMosquitto: start } = await withTypeScript(() => import('../../spec/support/mosquitto.js'));
  return start({ config: ['autosave_on_changes false', 'autosave_interval 1800', 'sys_interval 1'] });
}

/**
 * @template T
 * @param {() => Promise<T>} load
 * @returns {Promise<T>}
 */
async function withTypeScript(load) {
  const unregister = register();
  try {
    return await load();
  } finally {
    await unregister();
  }
}
