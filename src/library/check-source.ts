import { SourceRefusedError } from './errors.js';
import { languageNamed, languageOf, languageOfExtension } from './languages.js';
import { MAX_SOURCE_BYTES } from './library.js';

/** What a new component can be called: no path separator, no leading dot, nothing that is odd in the name of a file. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const MAX_NAME_LENGTH = 100;

/** @throws {SourceRefusedError} unless it is text of at most `MAX_SOURCE_BYTES` */
export function checkCode(code: string): void {
  const size = Buffer.byteLength(code);
  if (size > MAX_SOURCE_BYTES)
    throw new SourceRefusedError('size', `the source has ${size} bytes; at most ${MAX_SOURCE_BYTES} are taken`);
  if (code.includes('\0')) throw new SourceRefusedError('text', 'the source is no text: it contains a NUL');
  if (Buffer.from(code).toString() !== code)
    throw new SourceRefusedError('text', 'the source is no text: it contains half a character');
}

/** @throws {SourceRefusedError} unless a component is asked for in the project's namespace, or in none */
export function checkNamespace(own: string | undefined, asked: string | undefined): void {
  if (asked === undefined || asked === '' || asked === own) return;
  const hint = own === undefined ? 'the project has no namespace' : `the project's is '${own}'`;
  throw new SourceRefusedError('library', `components of '${asked}' are not written here; ${hint}`);
}

/** @throws {SourceRefusedError} for what cannot be the name of a file that is a component */
export function checkName(name: string): void {
  const refuse = (why: string): never => {
    const shown = JSON.stringify(name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name);
    throw new SourceRefusedError('name', `${shown} can be no name of a component: ${why}`);
  };
  if (name.length > MAX_NAME_LENGTH) refuse(`it has more than ${MAX_NAME_LENGTH} characters`);
  if (!NAME.test(name)) refuse('use letters, digits, _ - and . (not first)');
  if (name.includes('..')) refuse("it contains '..'");
  if (name.endsWith('.d')) refuse('a file .d.ts only declares types');
}

/** @throws {SourceRefusedError} unless it is the language of the component's file */
export function checkLanguage(name: string, path: string, asked: string): void {
  const has = languageOf(path);
  if (languageNamed(asked) === languageNamed(has)) return;
  throw new SourceRefusedError('language', `component '${name}' is written in ${has}, not in '${asked}'`);
}

/** The extension of a file in the language. @throws {SourceRefusedError} listing the languages that can be run */
export function extensionFor({ language }: { readonly language: string }, extensions: readonly string[]): string {
  const wanted = languageNamed(language);
  const extension = extensions.find((one) => languageNamed(languageOfExtension(one)) === wanted);
  if (extension !== undefined) return extension;
  const known = [...new Set(extensions.map(languageOfExtension))].join(', ');
  throw new SourceRefusedError('language', `no component can be run that is written in '${language}'; known: ${known}`);
}
