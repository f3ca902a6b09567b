#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { procfile } from '../dist/cli/procfile.js';

process.exitCode = await run(procfile, process.argv);
