import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { sharedMosquitto } from '../support/mosquitto.js';
import { Project, SPEC_LIMIT_MS, unique } from './run-executable.js';

const MODULES = fileURLToPath(new URL('../../node_modules/@opentelemetry', import.meta.url));

/** As in docs/observing.md, but with what the specs have: it prints each span. */
const tracing = `
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
const exporter = {
  export(spans, done) {
    for (const { name, attributes } of spans) console.log('span: ' + name + ' ' + attributes['messaging.system']);
    done({ code: 0 });
  },
  async shutdown() {},
};
await new Promise((resolve) => setTimeout(resolve, 50));
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
`;

describe('msgflo-participant with a provider of spans', function () {
  this.timeout(SPEC_LIMIT_MS);
  let project: Project;
  beforeEach(async () => {
    project = await Project.make();
  });
  afterEach(() => project.clean());

  it('that NODE_OPTIONS loads before: makes them', async () => {
    const { url } = await sharedMosquitto();
    await symlink(MODULES, join(project.dir, 'node_modules/@opentelemetry'));
    await project.write({ 'tracing.js': tracing });
    const role = unique('repeat');
    const running = project.start(
      'msgflo-participant',
      ['--name', role, '--broker', url, '--iips', '{"in": 1}', 'participants/Repeat.js'],
      { env: { NODE_OPTIONS: '--import ./tracing.js' } },
    );
    await running.line(new RegExp(`^span: ${role}.in process mqtt$`));
    expect((await running.stop()).stderr).not.to.contain('OpenTelemetry');
  });
});
