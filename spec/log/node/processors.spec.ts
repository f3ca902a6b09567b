import { expect } from 'chai';
import type { ProcessorDefinition } from '../../../src/log/index.js';
import { describeNodes, refusal } from './support.js';

describeNodes('processors', (nodes) => {
  const definition: ProcessorDefinition = {
    name: 'sum',
    from: ['a', 'b'],
    to: ['c', 'd'],
    processor: '(log) => log',
    options: { offset: '>', count: 5 },
  };

  it('makes a proc for each topic and keeps the definition', async () => {
    const node = await nodes.open();
    const told: string[] = [];
    node.onProcessor(({ name }) => told.push(name));
    const states = await node.systemProc(definition);
    expect(states.map(({ name, topic, count }) => ({ name, topic, count }))).to.deep.equal([
      { name: 'sum__a', topic: 'a', count: 5 },
      { name: 'sum__b', topic: 'b', count: 5 },
    ]);
    const [single] = await node.systemProc({ ...definition, name: 'one', from: ['a'] });
    expect(single?.name).to.equal('one');
    const [listed] = await node.systemProc({ ...definition, name: 'list', from: ['a'], isList: true });
    expect(listed?.name).to.equal('list__a');
    expect(node.processors().map(({ name }) => name)).to.deep.equal(told);
  });

  it('makes the procs that are missing when it is defined again', async () => {
    const node = await nodes.open();
    await node.systemProc(definition);
    await node.destroyProc('sum__a');
    const states = await node.systemProc(definition);
    expect(states).to.have.length(2);
    expect(node.processors()).to.deep.equal([definition]);
  });

  it('forgets a processor with its procs', async () => {
    const node = await nodes.open();
    await node.systemProc(definition);
    const told: string[] = [];
    node.onProcessorRemoved(({ name }) => told.push(name));
    await node.removeProcessor('sum');
    expect(told).to.deep.equal(['sum']);
    expect([node.processors(), node.listProcs()]).to.deep.equal([[], []]);
    expect(await refusal(() => node.removeProcessor('sum'))).to.equal('invalid_proc');
  });

  it('refuses what cannot run', async () => {
    const node = await nodes.open();
    expect(await refusal(() => node.systemProc({ ...definition, processor: '' }))).to.equal(
      'no_valid_processor_provided',
    );
    expect(await refusal(() => node.systemProc({ ...definition, from: [] }))).to.equal('invalid_topic');
    expect(node.listProcs()).to.deep.equal([]);
  });
});
