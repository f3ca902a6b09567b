import type { EdgeEnd, Edit } from './edit.js';

/** What an edit asks for, in one line to put behind "cannot": `add edge a.out -> b.in`. */
export function describeEdit(edit: Edit): string {
  switch (edit.do) {
    case 'add-node':
      return `add node '${shown(edit.node.role)}'`;
    case 'rename-node':
      return `rename node '${shown(edit.from)}' to '${shown(edit.to)}'`;
    case 'remove-node':
    case 'change-node':
      return `${verbOf(edit)} node '${shown(edit.role)}'`;
    case 'add-edge':
      return `add edge ${edgeText(edit.edge)}`;
    case 'remove-edge':
    case 'change-edge':
      return `${verbOf(edit)} edge ${edgeText(edit)}`;
    case 'add-iip':
      return `add IIP for ${endText(edit.iip.to)}`;
    case 'remove-iip':
      return `remove IIP for ${endText(edit.to)}`;
    case 'add-port':
      return `add exported ${edit.side} '${shown(edit.port.name)}'`;
    case 'remove-port':
      return `remove exported ${edit.side} '${shown(edit.name)}'`;
    case 'rename-port':
      return `rename exported ${edit.side} '${shown(edit.from)}' to '${shown(edit.to)}'`;
    case 'add-group':
      return `add group '${shown(edit.group.name)}'`;
    case 'rename-group':
      return `rename group '${shown(edit.from)}' to '${shown(edit.to)}'`;
    case 'remove-group':
    case 'change-group':
      return `${verbOf(edit)} group '${shown(edit.name)}'`;
    case 'change-graph':
      return 'change the graph';
  }
}

export const edgeText = ({ from, to }: { readonly from: EdgeEnd; readonly to: EdgeEnd }): string =>
  `${endText(from)} -> ${endText(to)}`;

export const endText = ({ role, port, index }: EdgeEnd): string =>
  `${shown(role)}.${shown(port)}${index === undefined ? '' : `[${index}]`}`;

/** A name that a client may have made up, fit for one line of a message: names may be of any length and characters. */
export function shown(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return short.replace(/[\p{Cc}\u2028\u2029]/gu, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const LONGEST = 80;

const verbOf = (edit: Edit): string => edit.do.slice(0, edit.do.indexOf('-'));
