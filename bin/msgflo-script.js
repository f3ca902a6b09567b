#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { script } from '../dist/cli/script.js';

process.exitCode = await run(script, process.argv);
