/**
 * The components a project has and the commands that start them. A component is a file in the component directory that a
 * handler knows how to run (by extension, or by path pattern), or a command given by name in the project's configuration:
 * `package.json` under the key `msgflo`, or a JSON file of its own.
 *
 * A command template is split into arguments first; role, file name and IIPs are put in afterwards, so that none of them
 * can become a second argument or reach a shell. Where a shell is asked for, they are quoted instead.
 *
 * A library does not change. The coordinator asks it for commands, the FBP protocol for names and sources; who holds it
 * loads another after `writeComponent`, which puts a source that somebody sent into the component directory and nowhere
 * else.
 */
export { type SourceRefusal, SourceRefusedError, UnknownComponentError } from './errors.js';
export {
  type Command,
  type ComponentInfo,
  Library,
  type LibraryContent,
  MAX_SOURCE_BYTES,
  type ShellCommand,
  type Source,
  type StartRequest,
} from './library.js';
export { type LibraryOptions, loadLibrary } from './load-library.js';
export { type NewSource, type WrittenComponent, writeComponent } from './write-component.js';
