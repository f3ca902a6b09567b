#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { setup } from '../dist/cli/setup.js';

process.exitCode = await run(setup, process.argv);
