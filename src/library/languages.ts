import { extname } from 'node:path';

/** How files run unless the project says otherwise, by extension. */
export const defaultHandlers: Readonly<Record<string, string>> = {
  '.js': 'msgflo-participant --name #ROLE #FILENAME',
  '.ts': 'msgflo-participant --name #ROLE #FILENAME',
  '.coffee': 'msgflo-nodejs --name #ROLE #FILENAME',
  '.py': 'msgflo-python #FILENAME #ROLE',
  '.yml': 'msgflo-register --role #ROLE:#FILENAME',
  '.json': 'noflo-runtime-msgflo --name #ROLE --graph #COMPONENT --iips #IIPS',
  '.fbp': 'noflo-runtime-msgflo --name #ROLE --graph #COMPONENT --iips #IIPS',
};

const languages: Readonly<Record<string, string>> = {
  '.js': 'javascript',
  '.ts': 'typescript',
  '.coffee': 'coffeescript',
  '.py': 'python',
  '.cpp': 'c++',
  '.rs': 'rust',
  '.yml': 'yaml',
  '.yaml': 'yaml',
};

/** Other words that editors have for a language. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['js', 'javascript'],
  ['es6', 'javascript'],
  ['ts', 'typescript'],
  ['coffee', 'coffeescript'],
  ['py', 'python'],
  ['cpp', 'c++'],
  ['rs', 'rust'],
  ['yml', 'yaml'],
]);

/** The language of a file as editors name it; for an extension nobody listed, the extension itself. */
export function languageOf(path: string): string {
  return languageOfExtension(extname(path));
}

/** The same for `.js` and the like. */
export function languageOfExtension(extension: string): string {
  return languages[extension] ?? extension.slice(1);
}

/** The word that `languageOf` has for what an editor may call otherwise; what nobody knows stays as it is. */
export function languageNamed(word: string): string {
  const lower = word.trim().toLowerCase();
  return aliases.get(lower) ?? lower;
}
