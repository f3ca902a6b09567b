#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { registerForeign } from '../dist/cli/register-foreign.js';

process.exitCode = await run(registerForeign, process.argv);
