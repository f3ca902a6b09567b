#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { register } from '../dist/cli/register.js';

process.exitCode = await run(register, process.argv);
