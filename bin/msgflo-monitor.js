#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { monitor } from '../dist/cli/monitor.js';

process.exitCode = await run(monitor, process.argv);
