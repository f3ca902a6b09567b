#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { msgflo } from '../dist/cli/msgflo.js';

process.exitCode = await run(msgflo, process.argv);
