#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { top } from '../dist/cli/top.js';

process.exitCode = await run(top, process.argv);
