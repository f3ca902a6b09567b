#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { log } from '../dist/cli/log.js';

process.exitCode = await run(log, process.argv);
