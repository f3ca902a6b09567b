import type { Role } from '../names.js';
import { overlaid, withoutNullMetadata } from './decorated.js';
import type { Edit, Edited, EditOf } from './edit.js';
import { knownNode } from './edit-checks.js';
import { shown } from './edit-text.js';
import { EditRefusedError } from './errors.js';
import type { Graph, Group } from './model.js';

export function addGroup(graph: Graph, edit: EditOf<'add-group'>): Edited {
  const group = withoutNullMetadata(edit.group);
  checkFree(graph, group.name, edit);
  for (const role of group.roles) knownNode(graph, role, edit);
  return { graph: { ...graph, groups: [...graph.groups, group] }, changes: [{ do: 'add-group', group }] };
}

/** Groups that a file gives the same name go as one. */
export function removeGroup(graph: Graph, edit: EditOf<'remove-group'>): Edited {
  const { name } = knownGroup(graph, edit.name, edit);
  return { graph: { ...graph, groups: graph.groups.filter((group) => group.name !== name) }, changes: [edit] };
}

export function renameGroup(graph: Graph, edit: EditOf<'rename-group'>): Edited {
  const { from, to } = edit;
  knownGroup(graph, from, edit);
  checkFree(graph, to, edit);
  const groups = graph.groups.map((group) => (group.name === from ? { ...group, name: to } : group));
  return { graph: { ...graph, groups }, changes: [edit] };
}

export function changeGroup(graph: Graph, edit: EditOf<'change-group'>): Edited {
  const group = knownGroup(graph, edit.name, edit);
  const changed = overlaid(group, edit.metadata);
  const changes: Edit[] = [{ do: 'change-group', name: group.name, metadata: changed.metadata ?? {} }];
  if (changed === group) return { graph, changes };
  return { graph: { ...graph, groups: graph.groups.map((one) => (one === group ? changed : one)) }, changes };
}

/** The groups with only those members that are there. A group that loses its last one is gone. */
export function membersAmong(groups: readonly Group[], isThere: (role: Role) => boolean): readonly Group[] {
  return groups.flatMap((group) => {
    const roles = group.roles.filter(isThere);
    if (roles.length === group.roles.length) return [group];
    return roles.length === 0 ? [] : [{ ...group, roles }];
  });
}

function knownGroup({ groups }: Graph, name: string, edit: Edit): Group {
  const group = groups.find((one) => one.name === name);
  if (!group) throw new EditRefusedError(edit, `the graph has no group '${shown(name)}'`);
  return group;
}

function checkFree({ groups }: Graph, name: string, edit: Edit): void {
  if (groups.some((group) => group.name === name))
    throw new EditRefusedError(edit, `the graph has a group '${shown(name)}' already`);
}
