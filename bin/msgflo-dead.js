#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { dead } from '../dist/cli/dead.js';

process.exitCode = await run(dead, process.argv);
