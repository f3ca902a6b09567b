#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { router } from '../dist/cli/router.js';

process.exitCode = await run(router, process.argv);
