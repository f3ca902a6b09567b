import { isRecord } from '../support/index.js';
import { RUNTIME_TYPE } from './wire.js';

/**
 * The graph's FBP JSON as editors need it: naming our type of runtime as its environment, without which they show the
 * graph but send no edits, and say nothing of it. Text that is no JSON object is given back as it is.
 */
export function graphForEditors(json: string): string {
  const graph = parseObject(json);
  if (!graph) return json;
  const properties = objectOrEmpty(graph.properties);
  const environment = { ...objectOrEmpty(properties.environment), type: RUNTIME_TYPE };
  return JSON.stringify({ ...graph, properties: { ...properties, environment } }, null, 2);
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function objectOrEmpty(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
