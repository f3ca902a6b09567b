/**
 * Files that other programs start a network from, made from roles and commands that are already resolved: a Procfile now,
 * compose files and systemd units later. Text in, text out; the command line writes it where it belongs.
 */
export { type ProcfileEntry, type ProcfileOptions, procfile } from './procfile.js';
